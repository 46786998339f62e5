// Makes elements. Text is always set as text, so that nothing the simulator holds is read as markup.

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) {
      made[name] = value;
    } else {
      made.setAttribute(name, value);
    }
  }
  made.append(...children);
  return made;
}

/** Runs `draw` only if `data` differs from the last time: what does not change keeps its focus and its selection. */
export function onChange(draw) {
  let last;
  return (data) => {
    const text = JSON.stringify(data);
    if (text !== last) {
      last = text;
      draw(data);
    }
  };
}

/** Asks a control; throws with the simulator's own words if it refuses. */
export async function control(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["content-type"] = "application/json";
  }
  const response = await fetch(`/_sim${path}`, options);
  const text = await response.text();
  const answer = text ? JSON.parse(text) : null;
  if (!response.ok) {
    throw new Error(answer?.message ?? `${response.status}`);
  }
  return answer;
}
