namespace Tessera.Tests.Tools.Browser;

/// <summary>What holds of every page, asked of the browser.</summary>
internal static class PageChecks
{
    /// <summary>Every text whose contrast to what lies behind it is below WCAG's level AA (4.5; 3 for large text), with the figure.</summary>
    private const string WeakTexts = """
        (() => {
          const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
          const rgba = color => {
            canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
            const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
          };
          const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
          const behind = element => {
            const layers = [];
            for (let at = element; at; at = at.parentElement) {
              const color = rgba(getComputedStyle(at).backgroundColor);
              layers.push(color);
              if (color[3] === 1) break;
            }
            return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
          };
          const light = color => {
            const [r, g, b] = color.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const weak = [];
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          let seen = 0;
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const element = node.parentElement;
            if (!node.textContent.trim() || element.closest("script, noscript, style, button:disabled, .skip")) continue;
            const box = element.getBoundingClientRect(), style = getComputedStyle(element);
            if (box.width === 0 || box.height === 0 || style.visibility === "hidden") continue;
            seen++;
            const back = behind(element);
            const front = over(rgba(element.closest("svg") ? style.fill : style.color), back);
            const [a, b] = [light(front), light(back)].sort((p, q) => q - p);
            const ratio = (a + 0.05) / (b + 0.05), size = parseFloat(style.fontSize);
            const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
            if (ratio < (large ? 3 : 4.5)) weak.push(`${node.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)} (${element.tagName} ${element.className})`);
          }
          return { seen, weak };
        })()
        """;

    private const string MissingPictures =
        """[...document.images].filter(image => !image.complete || image.naturalWidth === 0).map(image => image.alt)""";

    /// <summary>No script failed, nothing was fetched, every picture is there.</summary>
    public static async Task IsWhole(Chromium browser)
    {
        Assert.Empty(browser.Faults);
        Assert.Single(browser.Requests); // the page itself
        Assert.Equal("[]", (await browser.Evaluate(MissingPictures))!.ToJsonString());
    }

    /// <summary>Every text stands out from what lies behind it.</summary>
    /// <param name="least">So many texts there must be at least, so that something was looked at.</param>
    public static async Task IsReadable(Chromium browser, int least)
    {
        var found = (await browser.Evaluate(WeakTexts))!;
        Assert.True((int)found["seen"]! >= least, $"Only {found["seen"]} texts.");
        Assert.Equal("[]", found["weak"]!.ToJsonString());
    }

    /// <summary>Nothing is wider than the window, but for what scrolls in its own frame.</summary>
    public static async Task FitsItsWidth(Chromium browser)
    {
        var found = (await browser.Evaluate("[document.scrollingElement.scrollWidth, innerWidth]"))!.AsArray();
        Assert.True((int)found[0]! <= (int)found[1]!, $"{found[0]} pixels in a window of {found[1]}");
    }

    /// <summary>Whatever can be done with a mouse has a place in the order of the keyboard.</summary>
    public static async Task IsReachable(Chromium browser) =>
        Assert.Equal(
            "[]",
            (
                await browser.Evaluate(
                    """[...document.querySelectorAll("button, a, input, summary, .plot")].filter(e => e.tabIndex < 0).map(e => e.outerHTML.slice(0, 80))"""
                )
            )!.ToJsonString()
        );
}
