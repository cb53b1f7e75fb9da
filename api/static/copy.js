// A copy button for every command. Without script or clipboard the commands can still be selected.
if (navigator.clipboard) {
  const { copy, copied } = document.body.dataset;
  for (const command of document.querySelectorAll(".command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy secondary outline";
    button.textContent = copy;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(command.querySelector("code").textContent);
      button.textContent = copied;
      setTimeout(() => { button.textContent = copy; }, 1500);
    });
    command.append(button);
  }
}
