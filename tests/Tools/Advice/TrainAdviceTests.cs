namespace Tessera.Tests.Tools.Advice;

/// <summary>Mistakes that tools/train tells: each remedy that the message names is carried out, and the run succeeds.</summary>
[Collection(InProcess.Name)]
public sealed class TrainAdviceTests : IDisposable
{
    private readonly AdviceFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <param name="fault">A change of the config that works.</param>
    /// <param name="says">What the message must say.</param>
    /// <param name="remedies">Changes on top of the fault, each of which must do alone; several that belong together stand on lines of
    /// their own.</param>
    [Theory]
    [InlineData(
        "optimizer=null",
        "For example: { \"type\": \"AdamW\", \"lr\": 0.001 }",
        "optimizer={ \"type\": \"AdamW\", \"lr\": 0.001 }"
    )]
    [InlineData(
        "train.epochs=0",
        "must say how many (or set train.loop to \"iterations\")",
        "train.epochs=1",
        "train.loop=iterations\ntrain.iterations=2"
    )]
    [InlineData(
        "train.loader.batch_size=16\ntrain.loader.drop_last=true",
        "Lower batch_size, or set drop_last to false.",
        "train.loader.batch_size=8",
        "train.loader.drop_last=false"
    )]
    [InlineData("precision=fp16", "Use \"bf16\", \"fp32\" or \"auto\".", "precision=bf16", "precision=fp32", "precision=auto")]
    [InlineData("device=cuda:99", "Use cpu or auto.", "device=cpu", "device=auto")]
    [InlineData("device=gpu", "cuda", "device=cpu")]
    [InlineData("optimizer={\"_delete_\": true, \"type\": \"Lbfgs\"}\ntrain.accumulate=2", "Use 1.", "train.accumulate=1")]
    [InlineData(
        "hooks.checkpoint={\"type\": \"CheckpointHook\", \"save_best\": {\"metric\": \"acuracy/top1\"}}",
        "Did you mean \"accuracy/top1\"?",
        "hooks.checkpoint.save_best.metric=accuracy/top1"
    )]
    [InlineData(
        "hooks.checkpoint={\"type\": \"CheckpointHook\", \"save_best\": {\"metric\": \"accuracy/top1\"}}\ntrain.validate_every=0",
        "train.validate_every is 0",
        "train.validate_every=1"
    )]
    [InlineData("schedule=[{\"type\": \"LinearLr\"}, {\"type\": \"CosineLr\"}]", "it must say until when it lasts", "schedule.0.until=1")]
    [InlineData(
        "optimizer={\"_delete_\": true, \"a\": {\"type\": \"Sgd\", \"lr\": 0.01}, \"b\": {\"type\": \"Sgd\", \"lr\": 0.01}}",
        "each must say by name patterns which parameters are its own",
        null
    )]
    [InlineData(
        "val.metrics={\"_delete_\": true, \"a\": {\"type\": \"Accuracy\"}, \"b\": {\"type\": \"Accuracy\"}}",
        "Leave one of the two out.",
        "val.metrics.b=null"
    )]
    [InlineData(
        "train.loader.sampler={\"type\": \"RandomSampler\", \"samples\": 9}",
        "Set replacement to true, or samples to at most 8.",
        "train.loader.sampler.replacement=true",
        "train.loader.sampler.samples=8"
    )]
    [InlineData(
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"RandomResize\", \"ratio_range\": [0.5, 2.0]}, {\"type\": "
            + "\"Normalize\"}]",
        "Add a Resize, a crop or a Pad step to the pipeline, or set batch_size to 1.",
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"RandomResize\", \"ratio_range\": [0.5, 2.0]}, {\"type\": "
            + "\"Resize\", \"size\": [32, 32]}, {\"type\": \"Normalize\"}]",
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"RandomResize\", \"ratio_range\": [0.5, 2.0]}, {\"type\": "
            + "\"RandomCrop\", \"size\": 16}, {\"type\": \"Normalize\"}]",
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"RandomResize\", \"ratio_range\": [0.5, 2.0]}, {\"type\": "
            + "\"Normalize\"}, {\"type\": \"Pad\", \"size\": [64, 64]}]",
        "train.loader.batch_size=1"
    )]
    [InlineData(
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"FitSize\", \"input_size\": [24, 24], \"fit\": \"only_pad\"}, "
            + "{\"type\": \"Normalize\"}]",
        "Set fit to \"scale_and_pad\", or put a RandomCrop before FitSize.",
        "train.dataset.pipeline.1.fit=scale_and_pad",
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"RandomCrop\", \"size\": 24}, {\"type\": \"FitSize\", "
            + "\"input_size\": [24, 24], \"fit\": \"only_pad\"}, {\"type\": \"Normalize\"}]"
    )]
    [InlineData(
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"Normalize\"}, {\"type\": \"PhotoMetricDistortion\"}]",
        "Put it before steps that make floats, such as Normalize.",
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"PhotoMetricDistortion\"}, {\"type\": \"Normalize\"}]"
    )]
    [InlineData(
        "train.dataset.classes=${env:TESSERA_NO_SUCH_VARIABLE}",
        "or give a default: ${env:TESSERA_NO_SUCH_VARIABLE,default}",
        "train.dataset.classes=[\"circle\", \"square\", \"star\"]"
    )]
    [InlineData(
        "train.dataset={\"_delete_\": true, \"type\": \"ConcatDataset\", \"datasets\": [{\"type\": \"Shapes\", \"count\": 4, \"size\": "
            + "32, \"classes\": [\"circle\", \"square\", \"star\"]}, {\"type\": \"Shapes\", \"count\": 4, \"size\": 32}], "
            + "\"pipeline\": [{\"type\": \"LoadImage\"}, {\"type\": \"Normalize\"}]}",
        "Give both the same classes, in one order.",
        "train.dataset.datasets.1.classes=[\"circle\", \"square\", \"star\"]"
    )]
    [InlineData(
        "model.backbone={\"_delete_\": true, \"type\": \"PyramidVisionTransformer\", \"image_size\": 32, \"embed_dims\": [16, 16]}",
        "say depths for each",
        null
    )]
    public void Classifier(string fault, string says, params string?[]? remedies) =>
        _folder.CarryOut(_folder.Classifier(), fault, says, remedies ?? []);

    [Theory]
    [InlineData(
        "model.decode_head.losses.rmi={\"type\": \"RmiLoss\", \"radius\": 10}\ntrain.dataset.size=24",
        "Take larger crops, or a smaller stride or radius.",
        "model.decode_head.losses.rmi.radius=3",
        "train.dataset.size=48",
        "model.decode_head.losses.rmi.stride=1"
    )]
    [InlineData(
        "model.projection_head={\"type\": \"ProjectionHead\", \"dim\": 8}",
        "Add a contrastive loss to decode_head.losses, or set projection_head to null.",
        "model.projection_head=null",
        "model.decode_head.losses.contrast={\"type\": \"PixelContrastLoss\"}"
    )]
    [InlineData(
        "model.projection_head={\"type\": \"ProjectionHead\", \"dim\": 8}\nmodel.decode_head.losses.contrast={\"type\": "
            + "\"PixelContrastLoss\", \"memory\": {\"segments\": false, \"pixels\": false}}",
        "Set memory to null instead.",
        "model.decode_head.losses.contrast.memory=null"
    )]
    public void Segmentor(string fault, string says, params string[] remedies) =>
        _folder.CarryOut(_folder.Segmentor(), fault, says, remedies);

    [Theory]
    [InlineData(
        "model.neck=null",
        "Put a neck (Fpn) before it.",
        "model.neck={\"_delete_\": true, \"type\": \"Fpn\", \"out_channels\": 16, \"start_level\": 2}"
    )]
    public void Detector(string fault, string says, params string[] remedies) =>
        _folder.CarryOut(_folder.Detector(), fault, says, remedies);

    [Fact]
    public void SeveralOptimizers_WithPatterns_AreBuilt()
    {
        // The message of two optimizers without "parameters"; a classifier steps one alone, so the pattern must leave the other to a model
        // of its own.
        var said = _folder.Train(
            _folder.Classifier(),
            "optimizer={\"_delete_\": true, \"only\": {\"type\": \"Sgd\", \"lr\": 0.01, \"parameters\": [\"backbone\", \"head\"]}}"
        );
        said.Succeeds();
    }
}
