/** One short high sound for shown, two low ones for failed. Nothing where the browser has no sound. */

type Note = { hz: number; at: number; seconds: number };

const HIGH: Note[] = [{ hz: 1320, at: 0, seconds: 0.09 }];
const LOW: Note[] = [
  { hz: 220, at: 0, seconds: 0.14 },
  { hz: 220, at: 0.24, seconds: 0.14 },
];

let context: AudioContext | null = null;

export function playShown(): void {
  play(HIGH);
}

export function playFailed(): void {
  play(LOW);
}

function play(notes: Note[]): void {
  try {
    context ??= new AudioContext();
    void context.resume();
    for (const note of notes) sound(context, note);
  } catch {
    context = null;
  }
}

function sound(audio: AudioContext, { hz, at, seconds }: Note): void {
  const start = audio.currentTime + at;
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.type = "triangle";
  tone.frequency.value = hz;
  // A ramp at both ends, because a cut tone clicks.
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(0.4, start + 0.01);
  volume.gain.setValueAtTime(0.4, start + seconds - 0.02);
  volume.gain.linearRampToValueAtTime(0, start + seconds);
  tone.connect(volume).connect(audio.destination);
  tone.start(start);
  tone.stop(start + seconds);
}
