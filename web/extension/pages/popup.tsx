/** The popup: what was found, the code, what stands on the monitor, or that the connection is gone; one thing to do. */
import "../../src/ui/tokens.css";
import "../../src/ui/ui.css";
import { render } from "preact";
import { connect, view } from "../port";

function App() {
  return <p>{view.value?.phase.kind}</p>;
}

const root = document.getElementById("app");
if (root) render(<App />, root);
connect();
