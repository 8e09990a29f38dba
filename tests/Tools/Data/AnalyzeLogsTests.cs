using Tessera.Datasets.Images;
using Tessera.Tools.Commands;
using Tessera.Tools.Logs;

namespace Tessera.Tests.Tools.Data;

[Collection(InProcess.Name)]
public sealed class AnalyzeLogsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-logs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Log(string run, string time, params string[] lines)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, run, time)).FullName;
        File.WriteAllLines(Path.Combine(folder, "scalars.jsonl"), lines);
        return Path.Combine(_folder, run);
    }

    private static string Row(int iteration, double loss, double speed = 100) =>
        FormattableString.Invariant(
            $$"""{"kind":"train","iteration":{{iteration}},"epoch":0,"loss":{{loss}},"images_per_second":{{speed}},"data_wait":0.25,"memory_mb":512}"""
        );

    [Fact]
    public void SeveralRuns_OnePicture_AndTheirFigures()
    {
        var first = Log(
            "first",
            "20260101_000000",
            Row(10, 3, 5),
            Row(20, 2, 40),
            Row(30, 2.5, 60),
            """{"kind":"val","iteration":30,"epoch":0,"mIoU":0.5,"IoU/sky":null}"""
        );
        var second = Log("second", "20260101_000000", Row(10, 4), "not a row", Row(20, 1));
        var picture = Path.Combine(_folder, "curves.png");
        var said = Tool.Run("analyze-logs", first, second, "--out", picture).Succeeds();
        Assert.Contains("first   loss (train)   2.5      2            20         3            10", said.Output, StringComparison.Ordinal);
        Assert.Contains("mIoU (val)", said.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("IoU/sky", said.Output, StringComparison.Ordinal);
        Assert.Contains(
            "first           30                60       40       60                    16.67            25.0 %            512 MB",
            said.Output,
            StringComparison.Ordinal
        ); // without the warm-up's 5
        Assert.Contains("second: 1 line is no row", said.Error, StringComparison.Ordinal);
        Assert.True(ImageCodec.Load(picture).Width >= 2 * 2 * 720);
    }

    [Fact]
    public void MetricsWithASlash_AreDrawn_ThoseOfOneClassAreNot()
    {
        var run = Log(
            "run",
            "20260101_000000",
            Row(10, 3),
            """{"kind":"val","iteration":10,"epoch":0,"accuracy/top1":0.5,"f1/macro":0.4,"f1/class/cat":0.3,"bbox/AP50":0.2,"bbox/AP":0.1,"bbox/AP/low":0.05,"bbox/AP/cat":0.1,"mIoU":0.3,"IoU/sky":0.2,"mAP":0.6,"per_image_AP":0.7,"mae/target/age":2}"""
        );
        var said = Tool.Run("analyze-logs", run, "--out", Path.Combine(_folder, "curves.svg")).Succeeds().Output;
        foreach (var name in new[] { "accuracy/top1", "f1/macro", "bbox/AP50", "bbox/AP", "mIoU", "mAP", "per_image_AP" })
            Assert.Contains($" {name} (val)", said, StringComparison.Ordinal);
        foreach (var name in new[] { "f1/class/cat", "bbox/AP/low", "bbox/AP/cat", "IoU/sky", "mae/target/age" })
            Assert.DoesNotContain(name, said, StringComparison.Ordinal);
    }

    [Fact]
    public void ShortRun_IsSmoothed()
    {
        var run = Log("short", "20260101_000000", [.. Enumerable.Range(1, 5).Select(i => Row(i, i % 2))]);
        var picture = Path.Combine(_folder, "curves.svg");
        Tool.Run("analyze-logs", run, "--keys", "loss", "--out", picture).Succeeds();
        Assert.Contains(" stroke-opacity=", File.ReadAllText(picture), StringComparison.Ordinal); // the raw values, palely
    }

    [Fact]
    public void ResumedRun_IsOneRun_TheLaterRowCounts()
    {
        var run = Log("run", "20260101_000000", Row(10, 3), Row(20, 9));
        Log("run", "20260102_000000", Row(20, 2), Row(30, 1));
        var scalars = RunScalars.Load(run);
        Assert.Equal("run", scalars.Name);
        Assert.Equal([(10, 3), (20, 2), (30, 1)], scalars.Of("train", "loss").Select(point => ((int)point.X, (int)point.Y)));
        Assert.Equal("run", RunScalars.Load(Path.Combine(run, "20260101_000000", "scalars.jsonl")).Name);
    }

    [Fact]
    public void ShortRunBesideALongOne_IsSmoothedToo()
    {
        var run = Log("long", "20260101_000000", [.. Enumerable.Range(1, 40).Select(i => Row(i, 40 - i))]);
        var brief = Log("short", "20260101_000000", Row(1, 3), Row(2, 2));
        var picture = Path.Combine(_folder, "curves.svg");
        int Pale(params string[] runs)
        {
            Tool.Run(["analyze-logs", .. runs, "--keys", "loss", "--out", picture]).Succeeds();
            return File.ReadAllText(picture).Split(" stroke-opacity=").Length - 1;
        }
        Assert.Equal((0, 1, 2), (Pale(brief), Pale(run), Pale(run, brief))); // raw values stand palely behind each smoothed curve
    }

    // 0.5 of the past: 1, then (0.25 · 1 + 0.5 · 3) / 0.75, the start's lack of a past corrected; a gap keeps the last.
    [Fact]
    public void Smoothed_ByHand() =>
        Assert.Equal([(0, 1), (1, 1.75 / 0.75), (2, 1.75 / 0.75)], AnalyzeLogsCommand.Smoothed([(0, 1), (1, 3), (2, double.NaN)], 0.5));

    [Fact]
    public void Wrong_IsOneMessage()
    {
        var run = Log("run", "20260101_000000", Row(10, 3));
        var broken = Log("broken", "20260101_000000", "{", "[1]");
        Tool.Run("analyze-logs", run, "--keys", "los").IsMistake("No run logged \"los\". Did you mean \"loss\"?");
        Tool.Run("analyze-logs", broken).IsMistake("none of its lines is a row");
        Tool.Run("analyze-logs", Path.Combine(_folder, "nowhere")).IsMistake("there is no such file or folder");
        Tool.Run("analyze-logs", run, "--out", "x.pdf").IsMistake(".png or .svg");
        Tool.Run("analyze-logs", run, "--smooth", "1").IsMistake("--smooth is 1");
    }
}
