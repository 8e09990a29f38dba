using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Tests.Tools.Predictions;

namespace Tessera.Tests.Tools.Browser;

/// <summary>The page of a run, in a browser.</summary>
[Collection(InProcess.Name)]
public sealed class ReportPageTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    private string Page(DataTask task)
    {
        var page = runs.At($"{task}.html");
        if (!File.Exists(page))
            Tool.Run("report", runs.Trained(task), "--out", page, "--bootstrap", "50").Succeeds();
        return page;
    }

    [BrowserTheory]
    [InlineData(DataTask.Classification)]
    [InlineData(DataTask.Segmentation)]
    [InlineData(DataTask.Detection)]
    [InlineData(DataTask.MultiLabel)]
    [InlineData(DataTask.Regression)]
    public async Task Page_IsWhole_Readable_AndFitsEveryWindow(DataTask task)
    {
        var page = Page(task);
        Assert.InRange(new FileInfo(page).Length, 10_000, 5_000_000);
        await using var browser = await Chromium.Start();
        foreach (var (width, scheme) in new[] { (1280, "light"), (1280, "dark"), (390, "light") })
        {
            await browser.Size(width, 800);
            await browser.Appear(scheme);
            await browser.OpenFile(page);
            await browser.Evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })");
            await browser.Evaluate("document.querySelectorAll('img').forEach(one => { one.loading = 'eager'; })");
            await PageChecks.IsWhole(browser);
            await PageChecks.IsReadable(browser, 60);
            await PageChecks.FitsItsWidth(browser);
            await PageChecks.IsReachable(browser);
        }
        Assert.True((int)(await browser.Evaluate("document.querySelectorAll('.pictures img').length"))! >= 8);
        Assert.True((int)(await browser.Evaluate("document.querySelectorAll('.chart svg path').length"))! >= 2);
    }

    [BrowserFact]
    public async Task Table_IsSortedByItsHeadings()
    {
        await using var browser = await Chromium.Start();
        await browser.OpenFile(Page(DataTask.Classification));
        const string column = "[...document.querySelectorAll('table.sortable')].find(t => t.caption.textContent.startsWith('Precision'))";
        await browser.Evaluate($"window.table = {column}; window.head = table.tHead.rows[0].cells;");
        async Task<double[]> Numbers() =>
            [
                .. (await browser.Evaluate("[...table.tBodies[0].rows].map(row => Number(row.cells[1].dataset.v))"))!
                    .AsArray()
                    .Select(n => (double)n!),
            ];
        var before = await Numbers();
        await browser.Evaluate("head[1].querySelector('button').click()");
        Assert.Equal(before.OrderDescending(), await Numbers());
        Assert.Equal("descending", (string?)await browser.Evaluate("head[1].getAttribute('aria-sort')"));
        await browser.Evaluate("head[1].querySelector('button').click()");
        Assert.Equal(before.Order(), await Numbers());
        await browser.Evaluate("head[0].querySelector('button').click()");
        var names = (await browser.Evaluate("[...table.tBodies[0].rows].map(row => row.cells[0].textContent)"))!.AsArray();
        Assert.Equal(["circle", "square", "star"], names.Select(name => (string)name!));
        Assert.Null((string?)await browser.Evaluate("head[1].getAttribute('aria-sort')"));
    }

    [BrowserFact]
    public async Task Curve_IsZoomed_ByMouseAndByKeyboard()
    {
        await using var browser = await Chromium.Start();
        await browser.Size(1280, 900);
        await browser.OpenFile(Page(DataTask.Classification));
        await browser.Evaluate(
            "window.chart = document.querySelector('figure.chart'); chart.scrollIntoView({ block: 'center', behavior: 'instant' })"
        );
        const string ticks = "[...chart.querySelectorAll('svg text')].map(text => text.textContent).join(' ')";
        var all = (string)(await browser.Evaluate(ticks))!;
        var box = (await browser.Evaluate("(b => [b.x, b.y, b.width, b.height])(chart.querySelector('.plot').getBoundingClientRect())"))!
            .AsArray()
            .Select(n => (double)n!)
            .ToArray();
        await browser.Drag(box[0] + (0.5 * box[2]), box[1] + (0.5 * box[3]), box[0] + (0.9 * box[2]), box[1] + (0.5 * box[3]));
        var zoomed = (string)(await browser.Evaluate(ticks))!;
        Assert.NotEqual(all, zoomed);
        await browser.Evaluate("chart.querySelector('.plot').focus()");
        await browser.Key("0");
        Assert.Equal(all, (string)(await browser.Evaluate(ticks))!);
        await browser.Key("+");
        Assert.NotEqual(all, (string)(await browser.Evaluate(ticks))!);
        await browser.Key("Escape");
        await browser.Key("ArrowLeft");
        Assert.Contains(
            "iteration",
            (string)(await browser.Evaluate("chart.querySelector('output').textContent"))!,
            StringComparison.Ordinal
        );
        Assert.Empty(browser.Faults);
    }

    [BrowserFact]
    public async Task Picture_IsEnlarged_AndEscapeClosesIt()
    {
        await using var browser = await Chromium.Start();
        await browser.OpenFile(Page(DataTask.Segmentation));
        await browser.Click(".pictures button");
        Assert.True((bool)(await browser.Evaluate("document.querySelector('dialog').open"))!);
        var first = (string)
            (await browser.Evaluate("document.querySelector('dialog img').src.length + document.querySelector('dialog p').textContent"))!;
        await browser.Key("ArrowRight");
        var next = (string)
            (await browser.Evaluate("document.querySelector('dialog img').src.length + document.querySelector('dialog p').textContent"))!;
        Assert.NotEqual(first, next);
        await PageChecks.IsWhole(browser);
    }

    [BrowserFact]
    public async Task Theme_IsChosenByItsButton_AndPaperIsLight()
    {
        await using var browser = await Chromium.Start();
        await browser.Appear("dark");
        await browser.OpenFile(Page(DataTask.Classification));
        const string back = "getComputedStyle(document.body).backgroundColor";
        var dark = (string)(await browser.Evaluate(back))!;
        await browser.Click("#theme");
        Assert.NotEqual(dark, (string)(await browser.Evaluate(back))!);
        await browser.Click("#theme");
        Assert.Equal(dark, (string)(await browser.Evaluate(back))!);
        await browser.Appear("dark", "print");
        Assert.Equal("rgb(255, 255, 255)", (string)(await browser.Evaluate(back))!);
        Assert.Equal("none", (string)(await browser.Evaluate("getComputedStyle(document.querySelector('nav')).display"))!);
        await PageChecks.IsReadable(browser, 60);
    }

    [BrowserFact]
    public async Task Comparison_OfTwoRuns_IsWhole()
    {
        var page = runs.At("compared.html");
        Tool.Run("report", "--compare", runs.Trained(DataTask.Detection), Copy(DataTask.Detection), "--out", page, "--bootstrap", "100")
            .Succeeds();
        await using var browser = await Chromium.Start();
        foreach (var scheme in (string[])["light", "dark"])
        {
            await browser.Appear(scheme);
            await browser.OpenFile(page);
            await PageChecks.IsWhole(browser);
            await PageChecks.IsReadable(browser, 60);
        }
        Assert.Contains(
            "Not shown",
            (string)(await browser.Evaluate("document.querySelector('.verdict').textContent"))!,
            StringComparison.Ordinal
        );
    }

    /// <summary>Names that would be markup, script or an end of the data that the page's own script reads.</summary>
    [BrowserFact]
    public async Task Names_OfStrangers_StayText()
    {
        const string name = "</script><img src=x onerror=\"window.harm=1\">'&<b>";
        var folder = Copy(DataTask.Classification, "stranger");
        Replace(Path.Combine(folder, "predictions", "val.jsonl"), "circle", name);
        Replace(Path.Combine(folder, "config.json"), "circle", name);
        Replace(Path.Combine(folder, "run.json"), "\"seed\":", $"\"config\": {Json(name)}, \"command\": {Json(name)}, \"seed\":");
        foreach (var log in Directory.EnumerateFiles(folder, "scalars.jsonl", SearchOption.AllDirectories))
            Replace(log, "accuracy/top2", name);
        var page = runs.At("stranger.html");
        Tool.Run("report", folder, "--out", page, "--bootstrap", "0").Succeeds();
        await using var browser = await Chromium.Start();
        await browser.OpenFile(page);
        await PageChecks.IsWhole(browser);
        Assert.Null(await browser.Evaluate("window.harm"));
        Assert.True((bool)(await browser.Evaluate($"document.body.innerText.includes({Json(name)})"))!);
        Assert.Equal(0, (int)(await browser.Evaluate("document.querySelectorAll('img[src=x], td b').length"))!);
    }

    private static string Json(string text) => JsonValue.Create(text).ToJsonString();

    /// <summary>Within strings of JSON.</summary>
    private static void Replace(string file, string text, string by)
    {
        var content = File.ReadAllText(file);
        Assert.Contains(text, content, StringComparison.Ordinal);
        File.WriteAllText(file, content.Replace(text, text.StartsWith('"') ? by : Json(by)[1..^1], StringComparison.Ordinal));
    }

    private string Copy(DataTask task, string? name = null)
    {
        var (from, to) = (runs.Trained(task), runs.At(name ?? $"{task}-again"));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy, overwrite: true);
        }
        return to;
    }
}
