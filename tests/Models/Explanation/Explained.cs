using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.Heads;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation;

/// <summary>Classifiers, images and targets for the tests of explanations.</summary>
internal static class Explained
{
    public const int Classes = 5;

    /// <summary>A classifier filled by formula, in evaluation mode.</summary>
    public static VisionModel Classifier(string backbone, string head = """{ "type": "LinearHead" }""") =>
        Still(
            Build.From<VisionModel>(
                $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": {{head}} }""",
                Build.Classes(Classes)
            )
        );

    public static VisionModel Classifier(Backbone backbone) =>
        Still(new ImageClassifier(backbone, null, new LinearHead(new(), backbone, Build.Classes(Classes)), Build.Classes(Classes)));

    public static Tensor Images(int count, int height, int width) => Formula.Values("images", count, 3, height, width);

    public static ClassTarget Target(params int[] classes) => new(classes, Build.Classes(Classes).Classes);

    private static VisionModel Still(VisionModel model)
    {
        Formula.Fill(model).eval();
        return model;
    }
}
