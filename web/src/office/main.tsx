/** The office pages: set-up, sign-in, screens, approval, what goes on now, what was not delivered. */
import "../ui/tokens.css";
import "../ui/ui.css";
import { render } from "preact";
import { Mark } from "../ui/icons";

const root = document.getElementById("app");
if (root) render(<Mark size={34} />, root);
