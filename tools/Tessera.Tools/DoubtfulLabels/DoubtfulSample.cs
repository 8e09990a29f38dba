using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Tools.ErrorAnalysis;

namespace Tessera.Tools.DoubtfulLabels;

/// <summary>One doubt about a label.</summary>
/// <param name="Kind">other_class, not_annotated or never_found; with several labels present or absent.</param>
/// <param name="Given">The label's name; null where there is none.</param>
/// <param name="Suggested">The class that the model says; null where it says none.</param>
/// <param name="Certainty">The greater, the surer.</param>
/// <param name="Box">x, y, width, height.</param>
internal sealed record Doubt(string Kind, string? Given, string? Suggested, double Certainty, double[]? Box = null)
{
    public string Text =>
        Kind switch
        {
            "other_class" => $"labelled {Given}, looks like {Suggested}",
            "not_annotated" => $"{Suggested} is not annotated",
            "never_found" => $"nothing is found where {Given} is annotated",
            "present" => $"{Suggested} is there, the label says not",
            _ => $"{Given} is not there, the label says it is",
        } + FormattableString.Invariant($" ({Certainty:0.000})");

    public JsonObject Json =>
        new()
        {
            ["kind"] = Kind,
            ["given"] = Given,
            ["suggested"] = Suggested,
            ["certainty"] = Certainty,
            ["box"] = Box is null ? null : Numbers.List(Box, value => value),
        };
}

/// <summary>A sample, and all that is doubted about its labels, the surest first.</summary>
internal sealed record DoubtfulSample(long Index, string Name, Prediction Prediction, IReadOnlyList<Doubt> Doubts)
{
    public double Certainty => Doubts.Max(doubt => doubt.Certainty);
}
