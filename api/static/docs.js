// Swagger UI over our own OpenAPI document. validatorUrl: null keeps it from asking another host.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// A link inside the button of an operation is no second target; the address follows the button.
const textInsteadOfLink = (Link, system) => ({ text }) => system.React.createElement("span", null, text);
// There is one server, this one, so there is nothing to choose.
const nothing = () => () => null;
// The field of a request's body stands under its heading, which programs that read aloud do not connect with it.
const labelled = (TextArea, system) => (properties) =>
  system.React.createElement(TextArea, { "aria-label": "Request body", ...properties });
// The cross that closes a dialogue has no name.
const close = () => () => "Close";
const ours = {
  wrapComponents: { CloseIcon: close, DeepLink: textInsteadOfLink, ServersContainer: nothing, TextArea: labelled },
};

SwaggerUIBundle({
  url: "/schema/openapi.json",
  dom_id: "#api",
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [() => ours],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
