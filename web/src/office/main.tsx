/** The office pages: set-up, sign-in, screens, approval, what goes on now, what was not delivered. */
import "../ui/tokens.css";
import "../ui/ui.css";
import "./styles/frame.css";
import "./styles/door.css";
import "./styles/setup.css";
import "./styles/screens.css";
import "./styles/labels.css";
import "./styles/phone.css";
import "./styles/charts.css";
import "./styles/now.css";
import "./styles/letters.css";
import "./styles/trust.css";
import "./styles/discovery.css";
import "./styles/extension.css";
import { render } from "preact";
import { App } from "./App";
import { startRouter } from "./router";

startRouter();
const root = document.getElementById("app");
if (root) render(<App />, root);
