using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Models.Explanation.Faithfulness;

/// <summary>The words of what can be wrong when maps are measured.</summary>
internal static class FaithfulnessErrors
{
    public static UserErrorException NoProbabilities(VisionModel model, DataTask? task) =>
        new(
            $"{model.GetName()}{(task is { } asked ? $" for {TaskNames.Of(asked)}" : "")}: faithfulness is measured by "
                + "the probability of a class, which "
                + "classifiers alone have (tasks classification and multi_label, and a model that says what it decides by)."
        );

    public static UserErrorException NameOfControl(string name) =>
        new($"\"{name}\" is the random control, which is measured beside the methods by itself; give the method another name.");

    public static UserErrorException OtherMethods(IReadOnlyList<string> before, IReadOnlyList<string> now) =>
        new(
            $"Every image needs a map of each method: before these were {string.Join(", ", before)}, now {string.Join(", ", now)} were "
                + "given."
        );

    public static UserErrorException Shape(string method, IReadOnlyList<long> shape, IReadOnlyList<long> expected) =>
        new($"The maps of {method} are [{string.Join(", ", shape)}]; [{string.Join(", ", expected)}], those of the images, were expected.");

    public static UserErrorException NotFinite(string method) =>
        new($"A map of {method} holds values that aren't finite, so that its pixels have no order.");
}
