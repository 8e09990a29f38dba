using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Losses;
using Tessera.Models.TaskModels;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

/// <summary>The energy of ToCo's segmentation.</summary>
[Collection(ProcessWide.Name)] // draws from libtorch's source of random numbers
public sealed class TocoEnergyTests
{
    private static readonly DataInfo s_data = Build.Classes(4, DataTask.MultiLabel);
    private static readonly Progress s_late = new(3000, 4000, 0, 1);

    [Fact]
    public void Energy_CountsAfterSegStart_AndReachesTheDecoder()
    {
        using var model = Model("\"energy_weight\": 0.05, \"pixel_std\": [60]");
        model.train();
        using var batch = Build.Batch(2, 32, s_data);
        using var scope = NewDisposeScope();
        Assert.Equal(["cls", "cls_aux", "ptc"], model.Loss(batch, new Progress(10, 4000, 0, 1)).Keys);
        var losses = model.Loss(batch, s_late);
        Assert.Equal(["cls", "cls_aux", "ptc", "seg", "energy"], losses.Keys);
        Assert.True(losses["energy"].item<float>() < 0);
        losses["energy"].backward();
        var decoder = model.named_parameters().Where(entry => entry.name.StartsWith("decoder.", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(decoder);
        Assert.All(decoder, entry => Assert.True(entry.parameter.grad!.abs().sum().item<float>() > 0, entry.name));
    }

    [Fact]
    public void Energy_IsThatOfTheEnlargedProbabilities_OverColoursOf255()
    {
        using var scope = NewDisposeScope();
        var (images, logits) = (Formula.Values("images", 2, 3, 16, 16), Formula.Values("logits", 2, 3, 4, 4));
        var labels = Formula.Values("labels", 2, 16, 16).gt(0).to(ScalarType.Int64) * 255;
        var enlarged = TocoPixelLosses.Enlarged(logits, labels);
        Assert.Equal([2, 3, 16, 16], enlarged.shape);
        var found = TocoPixelLosses.Energy(enlarged, labels, images, [58.395, 57.12, 57.375], null);
        var mean = tensor(new[] { 123.675f, 116.28f, 103.53f }).view(1, 3, 1, 1);
        var colours = (images * tensor(new[] { 58.395f, 57.12f, 57.375f }).view(1, 3, 1, 1)) + mean; // as the file has them
        Assert.Equal(DenseEnergy.Of(colours, enlarged.softmax(1), labels).item<float>(), found.item<float>(), 1e-9);
        Assert.Equal(
            found.item<float>(),
            TocoPixelLosses.Energy(enlarged, labels, images, [58.395, 57.12, 57.375], zeros_like(labels).to(ScalarType.Bool)).item<float>(),
            1e-9
        );
        var error = Assert.Throws<UserErrorException>(() => TocoPixelLosses.Energy(enlarged, labels, images, [1, 2], null));
        Assert.StartsWith("Toco: pixel_std has 2 values, the images 3 channels", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"energy_weight\": 0.05, \"seg_weight\": 0", "none of with a seg_weight of 0")]
    [InlineData("\"energy_weight\": 0.05, \"pixel_std\": [0]", "Positive values")]
    public void Options_ThatDontFit_AreTold(string options, string says) =>
        Assert.Contains(says, Assert.Throws<UserErrorException>(() => Model(options)).Message, StringComparison.Ordinal);

    private static Toco Model(string options) =>
        Formula.Fill(
            (Toco)
                Build.From<VisionModel>(
                    $$"""
                    { "type": "Toco", "ctc_weight": 0, {{options}},
                      "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 3, "num_heads": 4, "image_size": 32, "patch_size": 8,
                        "features": "maps", "out_indices": [1, 2] } }
                    """,
                    s_data
                )
        );
}
