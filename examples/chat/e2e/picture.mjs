// A picture of the chat for the README: the same room in light and in dark, side by side.

const SIZE = { width: 1120, height: 760 };

/** Has a few people talk and crash the room, and leaves the picture at `path`. */
export async function paint(path, { enter, say, sees, browser }) {
  const lobby = "lobby";
  for (const [name, room] of Object.entries({ Joan: "kitchen", Mary: "release-train", Radia: "night-shift" }))
    await enter(name, room);
  const ada = await enter("Ada", lobby, { viewport: SIZE, colorScheme: "light", deviceScaleFactor: 1.5 });
  const grace = await enter("Grace", lobby, { viewport: SIZE, colorScheme: "dark", deviceScaleFactor: 1.5 });
  const barbara = await enter("Barbara", lobby);
  for (const [page, body] of [
    [ada, "Who wants to see something fall over?"],
    [grace, "Always. Does it take our connections with it?"],
    [ada, "No, just the room. Watch the lamp on the right."],
  ]) {
    await say(page, body);
    await sees(ada, body);
    await sees(grace, body);
  }
  await barbara.getByRole("button", { name: "Crash the room" }).click();
  for (const page of [ada, grace]) await page.locator("#tree .node", { hasText: "2nd incarnation" }).waitFor();
  await say(grace, "That was all? I did not even reload.");
  await sees(ada, "That was all?");
  await say(ada, "That was all.");
  await sees(grace, "That was all.");
  await barbara.getByLabel("Message", { exact: true }).pressSequentially("My turn");
  for (const page of [ada, grace]) await page.locator("#typing", { hasText: "Barbara is typing" }).waitFor();
  await mount(path, [await ada.screenshot(), await grace.screenshot()], browser);
}

/** Puts the pictures side by side into one. */
async function mount(path, pictures, browser) {
  const page = await browser.newPage({ viewport: { width: 1640, height: 580 } });
  const images = pictures.map((picture) => `<img src="data:image/png;base64,${picture.toString("base64")}" />`);
  await page.setContent(`<style>body { margin: 10px; display: flex; gap: 10px; background: transparent }
    img { width: 805px; border-radius: 8px; border: 1px solid #8886 }</style>${images.join("")}`);
  await page.screenshot({ path, omitBackground: true });
  await page.close();
}
