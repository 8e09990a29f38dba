using Tessera.Framework.Data;
using Tessera.Tests.Tools.Predictions;
using Tessera.Tools.Pages;
using Tessera.Tools.Reporting;

namespace Tessera.Tests.Tools.Reporting;

/// <summary>What a report says, and what it makes of runs that are not whole.</summary>
[Collection(InProcess.Name)]
public sealed class ReportTests(TaskRuns runs) : IClassFixture<TaskRuns>
{
    private string Out(string name = "page") => runs.At($"{name}.html");

    [Theory]
    [MemberData(nameof(TaskRuns.Tasks), MemberType = typeof(TaskRuns))]
    public void Page_HasWhatTheRunCameTo(DataTask task)
    {
        var folder = runs.Trained(task);
        var said = Tool.Run("report", folder, "--out", Out($"of-{task}"), "--bootstrap", "20").Succeeds();
        Assert.Equal(Out($"of-{task}"), said.Output.Trim());
        Assert.Equal("", said.Error);
        var page = File.ReadAllText(Out($"of-{task}"));
        var value = RunResult.Read(folder)!.Metrics[TaskRuns.MetricOf(task)]!.Value;
        Assert.Contains(TaskRuns.MetricOf(task), page, StringComparison.Ordinal);
        Assert.Contains(value.ToString("0.0000", System.Globalization.CultureInfo.InvariantCulture), page, StringComparison.Ordinal);
        foreach (var part in (string[])["Curves", "Metrics", "Classes", "Images", "Worst", "Best", "Data", "Config", "Repeat it"])
            Assert.Contains($">{part}</", page, StringComparison.Ordinal);
        Assert.Equal(
            task is DataTask.Classification or DataTask.Segmentation or DataTask.Detection,
            page.Contains(">Confusion</h2>", StringComparison.Ordinal)
        );
        Assert.Contains($"tools/repeat --from {folder}", page, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "http",
            page.Replace("http-equiv", "", StringComparison.Ordinal).Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Comparison_HasTheVerdictOfCompareRuns()
    {
        var (worse, better) = (runs.Trained(DataTask.Classification), Whole("better"));
        var compared = Tool.Run("compare-runs", worse, better);
        Assert.Equal(0, compared.Code);
        Tool.Run("report", "--compare", worse, better, "--out", Out("compared")).Succeeds();
        var page = File.ReadAllText(Out("compared"));
        Assert.Contains("<p class=\"verdict good\">better is better than Classification.</p>", page, StringComparison.Ordinal);
        Assert.Contains("exact McNemar test", page, StringComparison.Ordinal);
    }

    /// <summary>A work dir with the truth for its predictions.</summary>
    private string Whole(string name)
    {
        var folder = Copy(name);
        Directory.Delete(Path.Combine(folder, "predictions"), recursive: true);
        var perfect = runs.Perfect(DataTask.Classification);
        Directory.CreateDirectory(Path.Combine(folder, "predictions"));
        File.Copy(Path.Combine(perfect, "predictions", "val.jsonl"), Path.Combine(folder, "predictions", "val.jsonl"));
        return folder;
    }

    [Fact]
    public void RunThatHasNotEnded_IsShownAsSuch()
    {
        var folder = Copy("unfinished");
        File.Delete(Path.Combine(folder, "result.json"));
        Directory.Delete(Path.Combine(folder, "predictions"), recursive: true);
        var log = Directory.EnumerateFiles(folder, "scalars.jsonl", SearchOption.AllDirectories).Single();
        File.AppendAllText(log, "{\"kind\":\"tra");
        var said = Tool.Run("report", folder, "--out", Out("unfinished")).Succeeds();
        Assert.Contains("1 line of the log can't be read; the others are shown.", said.Error, StringComparison.Ordinal);
        Assert.Contains($"tools/test {Path.Combine(folder, "config.json")}", said.Error, StringComparison.Ordinal);
        var page = File.ReadAllText(Out("unfinished"));
        Assert.Contains("not ended", page, StringComparison.Ordinal);
        Assert.Contains("There are no stored predictions", page, StringComparison.Ordinal);
        Assert.DoesNotContain(">Classes</h2>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void PredictionsThatAreCutOff_AreTold_AndTheRestIsShown()
    {
        var folder = Copy("cut");
        var file = Path.Combine(folder, "predictions", "val.jsonl");
        File.WriteAllLines(file, File.ReadAllLines(file)[..^2]);
        var said = Tool.Run("report", folder, "--out", Out("cut")).Succeeds();
        Assert.Contains("The stored predictions can't be read.", said.Error, StringComparison.Ordinal);
        Assert.Contains(">Curves</h2>", File.ReadAllText(Out("cut")), StringComparison.Ordinal);
    }

    [Fact]
    public void OtherData_IsTold_AndTheRestIsShown()
    {
        var folder = Copy("elsewhere", DataTask.Segmentation);
        Tool.Run("report", folder, "--out", Out("elsewhere"), "--cfg-options", "val.dataset.size=48").Succeeds();
        var page = File.ReadAllText(Out("elsewhere"));
        Assert.Contains("The predictions can&#39;t be measured", page, StringComparison.Ordinal);
        Assert.Contains("another truth", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Plugins_OfARun_AreNotRunUnlessAskedFor()
    {
        var folder = Copy("plugin");
        var config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Insert(1, "\"plugins\": [\"harm.cs\"],"));
        File.WriteAllText(Path.Combine(folder, "harm.cs"), "this does not compile");
        Tool.Run("report", folder, "--out", Out("plugin")).Succeeds();
        Assert.Contains("names plugins (harm.cs)", File.ReadAllText(Out("plugin")), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_IsOneMessage_AndNoPage()
    {
        var trained = runs.Trained(DataTask.Classification);
        Tool.Run("report").IsMistake("WORK_DIR is missing");
        Tool.Run("report", runs.At("nowhere"), "--out", Out("none")).IsMistake("there is no such folder");
        Tool.Run("report", runs.ConfigOf(DataTask.Classification), "--out", Out("none")).IsMistake("this is a file");
        Tool.Run("report", Directory.CreateDirectory(runs.At("empty")).FullName, "--out", Out("none")).IsMistake("no work dir of a run");
        Tool.Run("report", trained, trained, "--out", Out("none")).IsMistake("named twice");
        Tool.Run("report", trained, "--compare", trained, trained, "--out", Out("none")).IsMistake("one too many");
        Tool.Run("report", trained, "--metric", "mAP", "--out", Out("none")).IsMistake("--metric");
        Tool.Run("report", trained, "--out", runs.At("none.pdf")).IsMistake(".html was expected");
        Tool.Run("report", trained, "--count", "0", "--out", Out("none")).IsMistake("--count is 0");
        var silent = Copy("silent");
        foreach (var log in Directory.EnumerateFiles(silent, "scalars.jsonl", SearchOption.AllDirectories))
            File.WriteAllText(log, "");
        Tool.Run("report", silent, "--out", Out("none")).IsMistake("nothing was logged there");
        var broken = Copy("broken");
        File.WriteAllText(Path.Combine(broken, "run.json"), "{ \"seed\": ");
        Tool.Run("report", broken, "--out", Out("none")).IsMistake("run.json:1", "no file as a run writes it");
        Tool.Run("report", "--compare", trained, silent, "--out", Out("none")).IsMistake("nothing was logged there");
        var parent = runs.At("several");
        Copy(Path.Combine("several", "seed-0"));
        Tool.Run("report", parent, "--out", Out("none")).IsMistake("it holds several runs", Path.Combine(parent, "seed-0"));
        Assert.False(File.Exists(Out("none")));
    }

    [Fact]
    public void Thinned_KeepsPeaksAndEnds()
    {
        var points = Enumerable
            .Range(0, 100_000)
            .Select(i =>
                (
                    (double)i,
                    i == 54_321 ? 9.0
                    : i == 777 ? double.NaN
                    : Math.Sin(i)
                )
            )
            .ToArray();
        var thinned = CurveSection.Thinned(points);
        Assert.InRange(thinned.Length, 600, 1300);
        Assert.Contains((54_321.0, 9.0), thinned);
        Assert.Equal((points[0], points[^1]), (thinned[0], thinned[^1]));
        Assert.Equal(thinned.Select(point => point.X).Order(), thinned.Select(point => point.X));
    }

    [Fact]
    public void Html_EscapesWhatIsPutIn_AndKeepsPieces()
    {
        var name = "<a href='x'>\"&\u001b[2J";
        Assert.Equal("<b>&lt;a href=&#39;x&#39;&gt;&quot;&amp;□[2J</b>", Html.Of($"<b>{name}</b>").Markup);
        Assert.Equal("<i><b>x</b> 0.50</i>", Html.Of($"<i>{Html.Of($"<b>{"x"}</b>")} {0.5:0.00}</i>").Markup);
    }

    private string Copy(string name, DataTask task = DataTask.Classification)
    {
        var (from, to) = (runs.Trained(task), runs.At(name));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy, overwrite: true);
        }
        return to;
    }
}
