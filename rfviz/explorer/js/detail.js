// Where detail comes from that a figure does not hold, pixels and columns by their address: the app's
// own server, or, on a page that stands alone, what that page holds.

export const detail = {
  /**
   * @param {string} address relative to the page
   * @returns {Promise<{status: number, data: ArrayLike<number> | null}>}
   */
  async answer(address) {
    const response = await fetch(new URL(address, document.baseURI));
    const { status } = response;
    return { status, data: status === 200 ? new Uint8Array(await response.arrayBuffer()) : null };
  },
};
