using Microsoft.Extensions.Logging;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>What of a model is trained now: by a preset, and by patterns of what is frozen. What a model froze itself stays so.</summary>
public sealed class Tuning
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly TuneOptions _options;
    private readonly Parameter[] _waiting = []; // frozen in the first phase, trained in the second
    private readonly IReadOnlyList<nn.Module> _still = [];
    private bool? _headAlone;

    /// <summary>Freezes what is never trained. Of two phases, it is as in the second until <see cref="Enter"/>.</summary>
    /// <param name="freeze">Patterns of parameters that are not trained, whatever the preset says.</param>
    /// <exception cref="UserErrorException">The model has no such part, or a pattern matches nothing.</exception>
    public Tuning(VisionModel model, TuneOptions options, IReadOnlyList<string> freeze)
    {
        _options = options;
        var frozen = new List<string>();
        if (options.Preset is { } preset and not TunePreset.Full)
        {
            var parts = new TunedParts(model);
            var first = parts.Trained(preset == TunePreset.LpFt ? TunePreset.LinearProbe : preset, options.From);
            var others = model.named_parameters().Where(entry => entry.parameter.requires_grad && !first(entry.name)).ToArray();
            if (preset is TunePreset.LinearProbe or TunePreset.Partial or TunePreset.LpFt)
                _still = parts.Still(first);
            if (preset != TunePreset.LpFt)
            {
                foreach (var (name, parameter) in others)
                    parameter.requires_grad = false;
                frozen.AddRange(others.Select(entry => entry.name));
            }
            frozen.AddRange(ParameterGroups.Freeze(model, freeze));
            if (preset == TunePreset.LpFt)
                _waiting = [.. others.Select(entry => entry.parameter).Where(parameter => parameter.requires_grad)];
        }
        else
            frozen.AddRange(ParameterGroups.Freeze(model, freeze));
        Frozen = frozen;
    }

    /// <summary>Names of the parameters that are never trained.</summary>
    public IReadOnlyList<string> Frozen { get; }

    /// <summary>Modules that stay in evaluation mode now.</summary>
    public IReadOnlyList<nn.Module> Still => _options.Preset == TunePreset.LpFt && _headAlone != true ? [] : _still;

    /// <summary>Changes what is trained where another phase begins.</summary>
    /// <returns>Whether it was changed, so that modes must be set anew.</returns>
    public bool Enter(Progress at)
    {
        if (_options.Preset != TunePreset.LpFt)
            return false;
        var alone = _options.IsHeadAlone(at);
        if (alone == _headAlone)
            return false;
        foreach (var parameter in _waiting)
        {
            parameter.requires_grad = !alone;
            if (alone)
                parameter.grad = null;
        }
        _headAlone = alone;
        if (alone)
            s_log.LogInformation(
                "The head is trained alone until {0} {1} is done; {2} parameters wait.",
                _options.Unit == ScheduleUnit.Epoch ? "epoch" : "iteration",
                _options.HeadFor,
                _waiting.Length
            );
        else
            s_log.LogInformation("Everything is trained from here on, at {0} times the learning rates.", _options.Rate);
        return true;
    }

    /// <summary>What the learning rates are multiplied by at this place of a run; null where there are no phases.</summary>
    public double? RateAt(Progress at) =>
        _options.Preset != TunePreset.LpFt ? null
        : _options.IsHeadAlone(at) ? 1
        : _options.Rate;
}
