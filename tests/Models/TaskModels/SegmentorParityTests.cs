using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels.Segmentation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

/// <summary>Whole models against torchvision's, by their own names; see make_segmentation.py.</summary>
public sealed class SegmentorParityTests
{
    [Theory]
    [InlineData("fcn_resnet50", """{ "type": "FcnHead", "num_convs": 1, "concat_input": false }""")]
    [InlineData("deeplabv3_resnet50", """{ "type": "AsppHead", "channels": 256, "project": true }""")]
    public void Segmentor_FormulaWeights_MatchesTorchvision(string fixture, string head)
    {
        var expected = FixtureFile.Json("models", fixture + ".json");
        using var model = (Segmentor)
            Build.From<VisionModel>(
                $$"""
                { "type": "Segmentor", "backbone": { "type": "ResNet", "depth": 50, "output_stride": 8 }, "decode_head": {{head}},
                  "auxiliary_head": { "type": "FcnHead", "in_index": 2, "num_convs": 1, "concat_input": false } }
                """,
                Build.Classes(6, DataTask.Segmentation)
            );
        Formula.Fill(model, model.KeyMaps["torchvision"]);
        model.eval();

        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var images = Formula.Values("images", 2, 3, 65, 97);
        using var maps = model.Tap("backbone");
        var logits = model.Logits(images);
        ParityTests.AssertClose(expected.GetProperty("logits"), model.Head("decode_head").Enlarge(logits, 65, 97), $"{fixture} logits");
        var auxiliary = model.Head("auxiliary_head");
        ParityTests.AssertClose(
            expected.GetProperty("auxiliary"),
            auxiliary.Enlarge(auxiliary.call([.. maps.Values]), 65, 97),
            $"{fixture} auxiliary"
        );
    }
}
