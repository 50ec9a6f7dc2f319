/** The popup: what was found, the code, what stands on the monitor, or that the connection is gone; one thing to do. */
import "./popup.css";
import "../../src/lib/theme";
import { render } from "preact";
import { connect } from "../port";
import { Panel } from "./popup/Panel";

const root = document.getElementById("app");
if (root) render(<Panel />, root);
connect();
