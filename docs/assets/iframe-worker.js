// The search runs in a worker, and a page that was opened as a file may start none. There a frame stands in for it:
// the same script, in a window of its own, with the two ends of its messages tied together.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = "<!doctype html><title>search</title>";
      this.window = new Promise((resolve, reject) => {
        frame.onload = () => {
          const inside = frame.contentWindow;
          // As data that was copied, so that neither end sees later changes of the other.
          inside.postMessage = (data) => {
            const message = new MessageEvent("message", { data: structuredClone(data) });
            this.dispatchEvent(message);
            this.onmessage?.(message);
          };
          const script = inside.document.createElement("script");
          script.src = new URL(url, location.href).href;
          script.onload = () => resolve(inside);
          script.onerror = () => reject(new Error(`${url} cannot be loaded`));
          inside.document.body.append(script);
        };
      });
      document.body.append(frame);
      this.frame = frame;
    }

    postMessage(data) {
      const copy = structuredClone(data);
      this.window.then((inside) => inside.dispatchEvent(new inside.MessageEvent("message", { data: copy })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
