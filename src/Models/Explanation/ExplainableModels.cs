using Tessera.Framework.Models;

namespace Tessera.Models.Explanation;

internal static class ExplainableModels
{
    /// <exception cref="UserErrorException">The model doesn't say what it decides by.</exception>
    public static IExplainable Explainable(this VisionModel model) =>
        model as IExplainable ?? throw ExplanationErrors.NotExplainable(model);

    /// <summary>Names of the layers that tell classes apart. A parameter of a module that has others below (a backbone's class tokens) is
    /// none.</summary>
    public static HashSet<string> Classifiers(this VisionModel model)
    {
        var modules = model.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
        return
        [
            .. model
                .ClassTensors.Select(tensor => tensor.Name[..tensor.Name.LastIndexOf('.')])
                .Where(layer => modules.GetValueOrDefault(layer)?.children().Any() == false),
        ];
    }
}
