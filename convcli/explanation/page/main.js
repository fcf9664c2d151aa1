// Starts the lesson of this page.

const LESSONS = {
  convolution: ConvolutionLesson,
  picture: PictureLesson,
  network: NetworkLesson,
};

const data = JSON.parse(document.getElementById("data").textContent);
const root = document.getElementById("lesson");
const begin = () => {
  root.replaceChildren();
  return new LESSONS[data.kind](structuredClone(data), root);
};
let lesson = begin();

// a link that is pasted into the same tab, or written by hand
addEventListener("hashchange", () => {
  lesson.stop?.();
  lesson = begin();
});
