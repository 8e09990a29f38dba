using System.Globalization;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>
/// Follows the losses of a training, and names one that stays near a value by which it tells that the model does not learn what it is
/// shown; see <see cref="Loss.Standstills"/>.
/// </summary>
public sealed class LossStandstill
{
    /// <summary>How far from its value a loss may lie, relative to it. Near ln 2 that is 0.0055.</summary>
    public const double Band = 0.008;

    private readonly (string Name, TellingLoss[] Values)[] _losses;
    private readonly long _iterations;
    private readonly Dictionary<string, (TellingLoss At, long Since)> _near = [];
    private readonly HashSet<string> _told = [];
    private readonly Dictionary<string, long> _last = [];
    private readonly long _from;

    /// <param name="model">Its <see cref="Loss"/> modules are followed.</param>
    /// <param name="classes">Of the data.</param>
    /// <param name="iterations">For how long a loss must stay.</param>
    /// <param name="from">Iterations that are done.</param>
    public LossStandstill(nn.Module model, int classes, long iterations, long from = 0)
    {
        (_iterations, _from) = (iterations, from);
        _losses =
        [
            .. model
                .named_modules()
                .Where(entry => entry.module is Loss)
                .Select(entry => (entry.name, ((Loss)entry.module).Standstills(classes).ToArray()))
                .Where(entry => entry.Item2.Length > 0),
        ];
    }

    /// <summary>Notes a loss.</summary>
    /// <param name="name">As the model gives it.</param>
    /// <param name="value">The mean over the iterations since the last call for this loss.</param>
    /// <param name="iteration">Iterations that are done.</param>
    /// <returns>A text where the loss has stayed long enough, once for each; else null.</returns>
    public string? See(string name, double value, long iteration)
    {
        var since = _last.GetValueOrDefault(name, _from);
        _last[name] = iteration;
        var near = _losses
            .Where(loss => IsOf(loss.Name, name))
            .SelectMany(loss => loss.Values)
            .Where(telling => Math.Abs(value - telling.Value) <= Band * telling.Value)
            .MinBy(telling => Math.Abs(value - telling.Value));
        if (near is null)
        {
            _near.Remove(name);
            return null;
        }
        if (!_near.TryGetValue(name, out var stay) || stay.At != near)
            _near[name] = stay = (near, since);
        if (iteration - stay.Since < _iterations || !_told.Add(name))
            return null;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"The loss \"{name}\" has stayed near {near.Value:0.000} for {iteration - stay.Since} iterations (it is {value:0.0000}). "
                + $"{near.Meaning}"
        );
    }

    // "head.loss_ce" gives "ce", and a part that adds a prefix makes it "decode.ce".
    private static bool IsOf(string module, string loss)
    {
        var (last, own) = (module[(module.LastIndexOf('.') + 1)..], loss[(loss.LastIndexOfAny(['.', '/']) + 1)..]);
        return last == own || last == "loss_" + own;
    }
}
