// Figures of crystals are drawn while the page is being laid out: fit them to it afterwards.
window.addEventListener("load", () => window.dispatchEvent(new Event("resize")));
