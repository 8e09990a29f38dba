using System.Text.Json.Nodes;
using Tessera.Framework.Components;
using Tessera.Models.PseudoLabels;

namespace Tessera.Tools.PseudoLabels;

/// <summary>Where an image's classes come from.</summary>
internal enum LabelSource
{
    /// <summary>The data's labels.</summary>
    Truth,

    /// <summary>What the classifier predicts.</summary>
    Predicted,
}

/// <summary>All that decides what the labels are, beside config, checkpoint and data.</summary>
/// <param name="Source">null: the model's own maps, or Grad-CAM.</param>
internal sealed record PseudoLabelSettings(
    DataPart Part,
    string? Source,
    ScoreMapOptions Maps,
    BackgroundChoice Background,
    LabelSource Labels,
    double LabelThreshold,
    bool Scores
)
{
    /// <summary>Scores are written: asked for, or needed to search the threshold.</summary>
    public bool WritesScores => Scores || Background.Rule is null;

    /// <summary>What pseudo-labels.json says of them: the folder's labels go on under the same alone.</summary>
    public JsonObject Describe(string source, string checkpoint, IReadOnlyList<string> classes, int images) =>
        new()
        {
            ["format"] = 1,
            ["source"] = source,
            ["checkpoint_sha256"] = checkpoint,
            ["part"] = SessionData.NameOf(Part),
            ["classes"] = new JsonArray([.. classes.Select(name => (JsonNode?)name)]),
            ["scales"] = new JsonArray([.. Maps.Scales!.Select(scale => (JsonNode?)scale)]),
            ["flip"] = Maps.Flip,
            ["mirror"] = ConfigKey.NameOf(Maps.Mirror.ToString()),
            ["affinity"] = ConfigKey.NameOf(Maps.Affinity.ToString()),
            ["affinity_source"] = ConfigKey.NameOf(Maps.AffinitySource.ToString()),
            ["power"] = Maps.Power,
            ["beta"] = Maps.Beta,
            ["steps"] = Maps.Steps,
            ["background"] = Background.ToString(),
            ["labels"] = ConfigKey.NameOf(Labels.ToString()),
            ["label_threshold"] = LabelThreshold,
            ["images"] = images,
        };
}
