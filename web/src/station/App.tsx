/**
 * Which page stands on the monitor, of this page's own or an extension's station. The document lies below all of them,
 * so that it is still there afterwards.
 */
import { useEffect, useRef } from "preact/hooks";
import { face, isLost } from "./face";
import { LostStrip, NoticeStrip, PageNumber, StripLine, Tag } from "./pages/Over";
import type { DrawingFace } from "./parts";
import type { Sheet } from "./stage";

type PageProps = { station: DrawingFace };

export function App({ station, documents }: PageProps & { documents: HTMLElement }) {
  const { stage, strip } = station.monitor.value;
  const showing = stage.kind === "showing" ? stage.sheet : null;
  const page = face({ station });
  const notice = station.notice.value;
  return (
    <>
      <section class="document" aria-label={showing?.title} inert={page !== null}>
        <div class="document-view">
          <Mounted element={documents} />
          {showing && station.now.value < station.monitor.value.tagUntil && (
            <Tag sheet={showing} station={station.place.value?.name ?? ""} />
          )}
          {showing && <PageNumber station={station} />}
        </div>
        {showing && <Below station={station} sheet={showing} />}
      </section>
      {page && <div class="over">{page}</div>}
      {page && (strip?.kind === "cleared" || notice) && (
        <div class="over-strip">
          {strip?.kind === "cleared" ? <StripLine strip={strip} /> : notice && <NoticeStrip problem={notice.problem} />}
        </div>
      )}
    </>
  );
}

/** The strip below a document: the worst of what there is to say. */
function Below({ station, sheet }: PageProps & { sheet: Sheet }) {
  const { strip } = station.monitor.value;
  const notice = station.notice.value;
  if (isLost({ station })) return <LostStrip sheet={sheet} />;
  if (strip) return <StripLine strip={strip} />;
  return notice && <NoticeStrip problem={notice.problem} />;
}

/** The viewer's own element, which Preact must not touch. */
function Mounted({ element }: { element: HTMLElement }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    ref.current?.append(element);
  }, [element]);
  return <div class="document-root" ref={ref} />;
}
