// Which addresses a screen opens: http and https alone, and where the appliance names hosts, theirs alone.

/** hosts: the `documentHosts` of `welcome`; where there are none, any host's documents may be opened. */
export function mayOpen(url, hosts = []) {
  let address;
  try {
    address = new URL(url);
  } catch {
    return false;
  }
  if (!/^https?:$/.test(address.protocol) || address.username || address.password) return false;
  const port = address.port || (address.protocol === "http:" ? "80" : "443");
  // A name in another script can look like any other, so that only a listed one will do.
  if (hosts.length === 0) return !address.hostname.includes("xn--");
  return hosts.some((entry) => names(entry, address.hostname, port));
}

function names(entry, host, port) {
  const [network, length] = entry.split("/");
  if (length) {
    const [one, other] = [binary(host), binary(network)];
    return one.length > 0 && one.length === other.length && one.startsWith(other.slice(0, length));
  }
  const [, name, at = port] = /^(.+?)(?::(\d+))?$/.exec(entry);
  if (at !== port) return false;
  if (!name.startsWith("*.")) return name === host;
  return host.endsWith(name.slice(1)) && !host.slice(0, 1 - name.length).includes("xn--");
}

// An address of either kind as a string of 0 and 1; a name is none.
function binary(host) {
  const digits = (numbers, radix, size) =>
    numbers.map((one) => Number.parseInt(one, radix).toString(2).padStart(size, "0"));
  if (/^[\d.]+$/.test(host)) return digits(host.split("."), 10, 8).join("");
  if (!host.includes(":")) return "";
  const [head, tail = []] = host
    .replace(/[[\]]/g, "")
    .split("::")
    .map((half) => half.split(":").filter(Boolean));
  const zeros = Array(8 - head.length - tail.length).fill("0");
  return digits([...head, ...zeros, ...tail], 16, 16).join("");
}
