namespace Tessera.Tests.Tools.Output;

/// <summary>One good run of the tools that a tiny classifier is enough for, its output piped; and the mistakes that are made most
/// often.</summary>
[Collection(InProcess.Name)]
public sealed class GoodRunTests(OutputFiles files) : IClassFixture<OutputFiles>
{
    /// <summary>Arguments as typed in the folder of the files; those that begin with ./ are made absolute.</summary>
    private Said Run(string arguments) =>
        Tool.Run([.. arguments.Split(' ').Select(word => word.StartsWith("./", StringComparison.Ordinal) ? files.At(word[2..]) : word)]);

    private void Matches(string name, Said said, bool numbers = false) =>
        WholeOutput.Match(name, said, text => Marks.In(text, files.Path, numbers));

    [Fact]
    public void Train() => Matches("train", files.Trained);

    [Fact]
    public void Train_ALossThatIsNotFinite() => Matches("train, a loss that is not finite", files.NotFinite);

    [Theory]
    [InlineData("test", "test ./tiny.json ./run/epoch_2.safetensors --out ./metrics.json", true)]
    [InlineData("predict", "predict ./run/epoch_2.safetensors ./images", true)]
    [InlineData("predict into a folder", "predict ./run/epoch_2.safetensors ./images --out-dir ./predicted", false)]
    [InlineData("explain", "explain ./run/epoch_2.safetensors ./images --out-dir ./explained", true)]
    [InlineData("eval-metric", "eval-metric ./tiny.json ./predictions.jsonl", true)]
    [InlineData("confusion-matrix", "confusion-matrix ./tiny.json ./predictions.jsonl --out ./confusion.png", true)]
    [InlineData("analyze-results", "analyze-results ./tiny.json ./predictions.jsonl --count 1 --out-dir ./results", false)]
    [InlineData("analyze-errors", "analyze-errors ./tiny.json ./told.jsonl --out-dir ./errors", false)]
    [InlineData("find-label-errors", "find-label-errors ./tiny.json ./told.jsonl --out-dir ./labels", false)]
    [InlineData("report", "report ./run --out ./report.html --no-data", false)]
    [InlineData("doctor", "doctor ./tiny.json", false)]
    [InlineData("replay-nonfinite", "replay-nonfinite ./nonfinite.safetensors", false)]
    [InlineData("dataset-stats", "dataset-stats ./tiny.json", false)]
    [InlineData("browse-dataset", "browse-dataset ./tiny.json --count 2 --out-dir ./browse", false)]
    [InlineData("get-flops", "get-flops ./tiny.json --shape 32 32", false)]
    [InlineData("get-flops, presets", "get-flops ./tiny.json --shape 32 32 --tune", false)]
    [InlineData("ensemble", "ensemble ./tiny.json ./run/epoch_1.safetensors ./run/epoch_2.safetensors --bootstrap 10", true)]
    [InlineData("analyze-logs", "analyze-logs ./logged --out ./curves.png", false)]
    [InlineData("benchmark", "benchmark ./tiny.json --batches 2 --warmup 1", true)]
    [InlineData("print-config", "print-config ./tiny.json", false)]
    [InlineData("print-config, a key explained", "print-config ./tiny.json --cfg-options seed=5 --explain seed", false)]
    [InlineData("list-components, a kind", "list-components samplers", false)]
    [InlineData("publish", "publish ./run/epoch_2.safetensors ./published.safetensors", false)]
    [InlineData("convert-masks", "convert-masks ./masks ./indices", false)]
    [InlineData("convert-dataset", "convert-dataset ./coco.json ./voc --from coco --split val", false)]
    [InlineData("optimize-anchors", "optimize-anchors ./detector.json --generations 3", true)]
    [InlineData("schema", "schema --out ./schema.json", false)]
    public void Output_IsAsWritten(string name, string arguments, bool numbers)
    {
        var said = Run(arguments);
        Assert.True(said.Code == 0, said.All);
        Matches(name, said, numbers);
    }

    [Theory]
    [InlineData("no such tool", "trian ./tiny.json")]
    [InlineData("an argument missing", "train")]
    [InlineData("an option misspelt", "train ./tiny.json --work_dir x")]
    [InlineData("another project's option", "test ./tiny.json ./run/epoch_2.safetensors --show")]
    [InlineData("an option's value", "train ./tiny.json --seed one")]
    [InlineData("no such config", "train ./none.json")]
    [InlineData("a config's keys misspelt", "train ./tiny.json --cfg-options sede=1 model.backbone.depht=2 optimizer.momentun=0.9")]
    [InlineData("a component misspelt", "train ./tiny.json --cfg-options model.backbone.type=ResNt")]
    [InlineData("an option's type", "train ./tiny.json --cfg-options model.backbone.depth=deep")]
    [InlineData("a work dir that holds a run", "train ./tiny.json --work-dir ./run")]
    [InlineData("no such checkpoint", "test ./tiny.json ./run/epoch_9.safetensors")]
    [InlineData("no such images", "predict ./run/epoch_2.safetensors ./nowhere")]
    [InlineData("no run in a work dir", "report ./images")]
    [InlineData("no such work dir", "board ./nowhere")]
    [InlineData("a format for boxes", "predict ./run/epoch_2.safetensors ./images --out-dir ./boxes --format yolo")]
    [InlineData("other classes", "test ./tiny.json ./run/epoch_2.safetensors --cfg-options test.dataset.classes=[\"circle\"]")]
    [InlineData(
        "no such data",
        "train ./tiny.json --work-dir ./w --cfg-options train.dataset={\"_delete_\":true,\"type\":\"ImageFolder\",\"path\":\"/nowhere\"}"
    )]
    [InlineData("an ending of pictures", "confusion-matrix ./tiny.json ./predictions.jsonl --out ./confusion.bmp")]
    public void Mistake_IsAsWritten(string name, string arguments)
    {
        var said = Run(arguments);
        Assert.Equal((1, ""), (said.Code, said.Output));
        Matches($"mistake, {name}", said);
    }
}
