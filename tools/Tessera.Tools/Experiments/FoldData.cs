using Tessera.Datasets;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Experiments;

/// <summary>A config's training data, divided.</summary>
internal static class FoldData
{
    private const string TrainKey = "train.dataset",
        ValKey = "val.dataset",
        PipelineKey = "pipeline";

    /// <summary>The edits by which a config trains on some of its samples and is evaluated on others: of the same data with all its
    /// options, but read through the pipeline of val.</summary>
    /// <param name="config">With train and val.</param>
    /// <param name="trained">Indices into the training data, rising.</param>
    /// <param name="evaluated">The same.</param>
    /// <param name="place">What messages name.</param>
    public static IReadOnlyList<ConfigEdit> Edits(
        ConfigDocument config,
        IReadOnlyList<int> trained,
        IReadOnlyList<int> evaluated,
        SourceLocation place
    )
    {
        // References filled in: what they name may stand elsewhere now.
        if (config.Find(TrainKey) is not ConfigMap whole || config.Find(ValKey) is not ConfigMap val)
            throw new UserErrorException("train.dataset and val.dataset must be objects, each with its type.");
        var edits = new List<ConfigEdit>
        {
            new(TrainKey, Part(whole, whole[PipelineKey], trained, place)),
            new(ValKey, Part(whole, val[PipelineKey], evaluated, place)),
        };
        if (config.Find("test.dataset") is ConfigMap test)
            edits.Add(new ConfigEdit("test.dataset", Replacing(test, place)));
        return edits;
    }

    private static ConfigMap Part(ConfigMap whole, ConfigNode? pipeline, IReadOnlyList<int> indices, SourceLocation place)
    {
        var part = new ConfigMap(place)
            .With("type", Text("Subset", place))
            .With("indices", Text(Subset.Write(indices), place))
            .With("dataset", whole.Without(PipelineKey));
        return Replacing(pipeline is null ? part : part.With(PipelineKey, pipeline), place);
    }

    private static ConfigMap Replacing(ConfigMap map, SourceLocation place) =>
        map.With("_delete_", new ConfigValue(place, ConfigValueKind.Boolean, "true"));

    private static ConfigValue Text(string text, SourceLocation place) => new(place, ConfigValueKind.String, text);
}
