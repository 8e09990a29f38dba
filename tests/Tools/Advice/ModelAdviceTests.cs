namespace Tessera.Tests.Tools.Advice;

/// <summary>As <see cref="TrainAdviceTests"/>, for models that draw images, find objects by queries or in two stages.</summary>
[Collection(InProcess.Name)]
public sealed class ModelAdviceTests : IDisposable
{
    private readonly AdviceFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(
        "model.generator.size=32",
        "Give both one size.",
        "model.generator.size=16",
        "model.discriminator.size=32\ntrain.dataset.size=32"
    )]
    [InlineData("model.condition=none", "Set condition to projection or ac.", "model.condition=projection", "model.condition=ac")]
    [InlineData("model.generator.class_embed=0", "Give it a class_embed, such as 64.", "model.generator.class_embed=64")]
    [InlineData(
        "model.generator.size=24",
        "a power of two was expected, such as 32",
        "model.generator.size=32\nmodel.discriminator.size=32\ntrain.dataset.size=32"
    )]
    [InlineData(
        "model.generator.channels=4096\nmodel.generator.size=64\nmodel.discriminator.size=64\ntrain.dataset.size=64",
        "Take fewer channels.",
        "model.generator.channels=8"
    )]
    [InlineData(
        "train.dataset.size=32",
        "Resize or crop them in the pipeline, or give the model another size.",
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"Resize\", \"size\": [16, 16]}, {\"type\": \"Normalize\", "
            + "\"mean\": [127.5], \"std\": [127.5]}]",
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"RandomCrop\", \"size\": 16}, {\"type\": \"Normalize\", "
            + "\"mean\": [127.5], \"std\": [127.5]}]",
        "model.generator.size=32\nmodel.discriminator.size=32"
    )]
    [InlineData(
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"Normalize\"}]",
        "Normalize them by { \"type\": \"Normalize\", \"mean\": [127.5], \"std\": [127.5] }.",
        "train.dataset.pipeline=[{\"type\": \"LoadImage\"}, {\"type\": \"Normalize\", \"mean\": [127.5], \"std\": [127.5] }]"
    )]
    public void Gan(string fault, string says, params string[] remedies) => _folder.CarryOut(_folder.Gan(), fault, says, remedies);

    [Theory]
    [InlineData("model.sampling.steps=50", "there are only 10 steps", "model.sampling.steps=5")]
    [InlineData(
        "model.sampling.guidance=2\nmodel.label_dropout=0",
        "needs by_class and a label_dropout above 0, such as 0.1.",
        "model.label_dropout=0.1"
    )]
    [InlineData("model.network.groups=3", "groups 3 doesn't divide channels 4", "model.network.groups=2")]
    [InlineData("model.network.size=32", "or give the model another size.", "model.network.size=16", "train.dataset.size=32")]
    public void Diffusion(string fault, string says, params string[] remedies) =>
        _folder.CarryOut(_folder.Diffusion(), fault, says, remedies);

    [Theory]
    [InlineData("model.num_queries=90", "take larger images or fewer queries.", "model.num_queries=20", "train.dataset.size=96")]
    [InlineData(
        "model.embed_dim=10\nmodel.num_heads=4",
        "embed_dim 10 must be a multiple of num_heads (4)",
        "model.embed_dim=8\nmodel.num_heads=2"
    )]
    [InlineData(
        "model.set_cost={\"class\": 0, \"l1\": 0, \"giou\": 0}",
        "one of class, l1 and giou must tell pairs apart",
        "model.set_cost.class=1",
        "model.set_cost.l1=1",
        "model.set_cost.giou=1"
    )]
    public void RtDetr(string fault, string says, params string[] remedies) => _folder.CarryOut(_folder.RtDetr(), fault, says, remedies);

    [Theory]
    [InlineData(
        "train.dataset.with_masks=false",
        "Without masks, leave mask_head and mask_roi_extractor out of model.roi_head.",
        "model.roi_head.mask_head=null"
    )]
    public void TwoStages(string fault, string says, params string[] remedies) =>
        _folder.CarryOut(_folder.TwoStages(), fault, says, remedies);

    [Fact]
    public void Experiments_InAFolderOfAnother()
    {
        var config = _folder.Classifier();
        Said Repeat(string folder, params string[] more) =>
            Tool.Run(["repeat", config, "--seeds", "1", "--work-dir", _folder.At(folder), .. more]);
        _folder.Train(config).Succeeds();
        Repeat("run0").IsMistake("The folder holds a run of tools/train. Give another one by --work-dir.");
        Repeat("seeds").Succeeds();

        string[] other = ["--cfg-options", "optimizer.lr=0.02"];
        Repeat("seeds", other).IsMistake("Set it back to go on, give another folder by --work-dir, or let --overwrite remove");
        Repeat("seeds").Succeeds();
        Repeat("others", other).Succeeds();
        Repeat("seeds", ["--overwrite", .. other]).Succeeds();
    }

    [Fact]
    public void CrossValidation_SaysHowOftenInTwoWays()
    {
        var config = _folder.Classifier();
        Said Validate(string folder, params string[] more) =>
            Tool.Run(["cross-validate", config, "--folds", "2", "--work-dir", _folder.At(folder), .. more]);
        Validate("both", "--repeats", "2", "--seeds", "0,1").IsMistake("give one of them");
        Validate("repeats", "--repeats", "2").Succeeds();
        Validate("seeds", "--seeds", "0,1").Succeeds();
    }
}
