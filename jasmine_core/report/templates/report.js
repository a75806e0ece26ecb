"use strict";
// The border of a slider follows its range input, which the mouse, a finger and the keys move.
for (const input of document.querySelectorAll(".pair input")) {
  const move = () => input.parentElement.style.setProperty("--at", `${input.value}%`);
  input.addEventListener("input", move);
  move(); // A browser may keep the value of an input over a reload.
}
