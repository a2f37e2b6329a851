// Buttons, each a picture with a line of text below; a click sends its index.
export function render({ model, el }) {
  function makeButton({ picture, text, note, colour }, index) {
    const button = document.createElement("button");
    button.innerHTML = picture + "<b></b><i></i>";
    button.querySelector("b").textContent = text;
    button.querySelector("i").textContent = note;
    button.style.setProperty("--colour", colour);
    button.onclick = () => model.send_msg(index);
    return button;
  }
  const draw = () => el.replaceChildren(...model.items.map(makeButton));
  model.on("items", draw);
  draw();
}
