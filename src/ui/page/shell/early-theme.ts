// Runs before anything is painted, so that a theme that was chosen never flashes up as the other one.
const chosen = localStorage.getItem("matric:theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
