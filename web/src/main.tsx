import { render } from "preact";
import { App } from "./app";
import * as session from "./session";
import "./theme.css";

render(<App />, document.getElementById("app")!);
void session.start();
