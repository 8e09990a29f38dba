using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera;

/// <summary>How an image becomes a model's input when it is used.</summary>
public static class PredictionPipeline
{
    /// <summary>The transforms of the data that the model was tested on; without the data set, whose files may be elsewhere.</summary>
    /// <exception cref="UserErrorException">The config has none.</exception>
    public static List<Transform> Build(Session session) =>
        Build(session.Document, session.Services.GetRequiredService<ComponentBuilder>());

    /// <summary>The same of a config alone.</summary>
    /// <param name="components">Builds transforms.</param>
    /// <exception cref="UserErrorException">The config has none.</exception>
    public static List<Transform> Build(ConfigDocument document, ComponentBuilder components)
    {
        var path =
            new[] { "test", "val", "train" }
                .Select(part => $"{part}.dataset.pipeline")
                .FirstOrDefault(path => document.Find(path) is ConfigList)
            ?? throw new UserErrorException(
                "The checkpoint's config has no pipeline (test.dataset.pipeline or val.dataset.pipeline), so it is unknown how an "
                    + "image becomes the model's input."
            );
        var steps = ((ConfigList)document.Find(path)!).Count;
        var built = Enumerable
            .Range(0, steps)
            .Select(i => components.Build(components.Describe<Transform>(document, $"{path}.{i}")))
            .Where(step => !step.ReadsTruth)
            .ToList();
        if (!built.OfType<LoadImage>().Any())
            built.Insert(0, new LoadImage(new LoadImageOptions())); // the data was drawn or held in memory
        return built;
    }
}
