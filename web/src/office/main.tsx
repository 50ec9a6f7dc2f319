/** The office pages: set-up, sign-in, screens, approval, what goes on now, what was not delivered. */
import "./styles/office.css";
import { render } from "preact";
import { App } from "./App";
import { startRouter } from "./router";

startRouter();
const root = document.getElementById("app");
if (root) render(<App />, root);
