using System.CommandLine;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Processes;
using Tessera.Tools.Output;

namespace Tessera.Tools.Evaluation;

/// <summary>The options of tools that compute with a model on a config's data: where, in what, with which changes to the config, and which
/// weights.</summary>
internal sealed class EvaluationArguments
{
    private readonly Option<string?> _device = CommandLine.Device();
    private readonly Option<Precision> _precision = CommandLine.PrecisionOption();
    private readonly Option<string[]> _overrides = CommandLine.CfgOptions();
    private readonly WeightArguments _weights = new();

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_device, _precision, _overrides])
            command.Add(option);
        _weights.AddTo(command);
    }

    /// <param name="changes">Further changes to the config, after those that are given.</param>
    public SessionOptions Session(ParseResult parsed, params IEnumerable<string> changes) =>
        new()
        {
            Device = parsed.GetValue(_device),
            Precision = parsed.GetValue(_precision),
            Overrides = [.. parsed.GetRequiredValue(_overrides), .. changes],
        };

    /// <summary>As given; the checkpoint's name is the tool's to fill in.</summary>
    public PretrainedOptions Weights(ParseResult parsed) => _weights.Read(parsed);
}
