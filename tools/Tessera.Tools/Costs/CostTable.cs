using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Tools.Output;

namespace Tessera.Tools.Costs;

/// <summary>The costs of training a config's model in several ways, beside each other.</summary>
/// <param name="open">Opens the config with further changes.</param>
/// <param name="data">The classes to make a model for.</param>
internal sealed class CostTable(Func<IReadOnlyList<string>, Session> open, Func<Session, DataInfo> data)
{
    private readonly List<TrainingCost> _rows = [];
    private readonly List<string> _notes = [];
    private int _batchSize = 1;

    /// <summary>Adds a row for each variant; one that the model has no parts for is told of instead.</summary>
    /// <exception cref="UserErrorException">No variant fits the model.</exception>
    public CostTable Measure(IReadOnlyList<CostVariant> variants, int height, int width)
    {
        foreach (var variant in variants)
            if (Add(variant, height, width) is { } unfit && (variant.Otherwise is not { } other || Add(other, height, width) is not null))
                Note(variant.Name, unfit);
        return _rows.Count > 0 ? this : throw new UserErrorException(string.Join("\n", _notes));
    }

    private void Note(string name, string unfit)
    {
        if (!_notes.Exists(note => note.EndsWith(unfit, StringComparison.Ordinal)))
            _notes.Add($"{name}: not for this model. {unfit}");
    }

    /// <returns>Why the variant doesn't fit the model; null where it was added.</returns>
    private string? Add(CostVariant variant, int height, int width)
    {
        using var session = open(variant.Changes);
        var train = session.Options.Train;
        _batchSize = train?.Loader?.BatchSize ?? new Framework.Data.LoaderOptions().BatchSize;
        try
        {
            using var model = session.CreateModel(data(session));
            _ = new Tuning(model, variant.Tune ?? train?.Tuned() ?? new TuneOptions(), train?.Freeze ?? []);
            var parameters = model.parameters().ToArray();
            _rows.Add(
                new TrainingCost(
                    variant.Name,
                    parameters.Where(parameter => parameter.requires_grad).Sum(parameter => parameter.numel()),
                    parameters.Sum(parameter => parameter.numel()),
                    CostMeter.Measure(model, height, width).Counts.MultiplyAdds,
                    OptimizerFootprint.PerParameter(session.Options.Optimizer, session.Services),
                    KeptActivations.Of(model, height, width)
                )
            );
            return null;
        }
        catch (UserErrorException unfit)
        {
            return unfit.Message.ReplaceLineEndings(" ");
        }
    }

    public void Show()
    {
        var console = ToolConsole.Current;
        console.Table(
            ["trained", "parameters", "of", "multiply-adds", "weights", "gradients", "optimizer", "activations", $"batch of {_batchSize}"],
            _rows.Select(row =>
                new[]
                {
                    row.Name,
                    $"{row.Trained:#,0}",
                    $"{row.Parameters:#,0}",
                    CostText.Short(row.MultiplyAdds),
                    CostText.Bytes(row.WeightBytes),
                    CostText.Bytes(row.GradientBytes),
                    CostText.Bytes(row.OptimizerBytes),
                    CostText.Bytes(row.ActivationBytes),
                    CostText.Bytes(row.MemoryBytes(_batchSize)),
                }
            )
        );
        console.Line(
            "Parameters trained, and of how many. Memory in fp32: the optimizer's state measured on a step of the config's optimizer, "
                + "activations kept for one image by a rule over the operators that ran (docs/tools.md), the last column all together. "
                + "lp_ft is linear_probe first and full after."
        );
        foreach (var note in _notes)
            console.Note(note);
    }

    public JsonArray Json() =>
        new([
            .. _rows.Select(row =>
                (JsonNode)
                    new JsonObject
                    {
                        ["name"] = row.Name,
                        ["trained"] = row.Trained,
                        ["parameters"] = row.Parameters,
                        ["multiply_adds"] = row.MultiplyAdds,
                        ["weight_bytes"] = row.WeightBytes,
                        ["gradient_bytes"] = row.GradientBytes,
                        ["optimizer_bytes"] = row.OptimizerBytes,
                        ["activation_bytes"] = row.ActivationBytes,
                        ["batch_size"] = _batchSize,
                        ["memory_bytes"] = row.MemoryBytes(_batchSize),
                    }
            ),
        ]);
}
