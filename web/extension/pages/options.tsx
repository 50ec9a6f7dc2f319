/** Options: which monitor, a test, where the appliance is, what happened lately. */
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
