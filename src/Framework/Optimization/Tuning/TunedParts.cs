using Tessera.Framework.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>The parameters of a model by the part that they belong to.</summary>
internal sealed class TunedParts
{
    private const string Option = "train.tune";

    private readonly VisionModel _model;
    private readonly (string Name, Backbone Module)[] _backbones;
    private readonly HashSet<string> _classRows;

    /// <exception cref="UserErrorException">The model has no backbone, or nothing besides.</exception>
    public TunedParts(VisionModel model)
    {
        _model = model;
        _backbones = [.. model.Having<Backbone>()];
        _classRows = [.. model.ClassTensors.Select(tensor => tensor.Name)];
        if (_backbones.Length == 0)
            throw new UserErrorException(
                $"{Option}: {model.GetName()} has no backbone, so there are no parts to choose from. train.freeze names parameters instead."
            );
        if (Names.All(name => !IsHead(name)))
            throw new UserErrorException(
                $"{Option}: {model.GetName()} has no parameters outside its backbone, so it has no head to train."
            );
    }

    /// <summary>Of all parameters.</summary>
    private IEnumerable<string> Names => _model.named_parameters().Select(parameter => parameter.name);

    /// <summary>What a preset trains.</summary>
    /// <exception cref="UserErrorException">The model has no such part.</exception>
    public Func<string, bool> Trained(TunePreset preset, string? from) =>
        preset switch
        {
            TunePreset.LinearProbe => IsHead,
            TunePreset.Partial => From(from!),
            TunePreset.Attention => Within(Attention()),
            TunePreset.LastAttention => Within([Attention()[^1]]),
            TunePreset.Norms => HeadOr(ParameterGroups.NormParameters(_model).Contains),
            _ => _ => true,
        };

    /// <summary>Modules of the backbone that hold nothing but what is not trained, the outermost of them.</summary>
    public IReadOnlyList<nn.Module> Still(Func<string, bool> trained)
    {
        var still = new List<nn.Module>();
        foreach (var (prefix, backbone) in _backbones)
            Add(prefix, backbone);
        return still;

        void Add(string name, nn.Module module)
        {
            var parameters = module.named_parameters().Select(parameter => $"{name}.{parameter.name}").ToArray();
            if (parameters.Length == 0)
                return;
            // The classes' own tokens are the head's, wherever they lie.
            if (parameters.All(parameter => _classRows.Contains(parameter) || !trained(parameter)))
                still.Add(module);
            else
                foreach (var (child, inner) in module.named_children())
                    Add($"{name}.{child}", inner);
        }
    }

    private bool IsHead(string name) =>
        _classRows.Contains(name) || !_backbones.Any(backbone => name.StartsWith(backbone.Name + ".", StringComparison.Ordinal));

    private Func<string, bool> HeadOr(Func<string, bool> part) => name => IsHead(name) || part(name);

    private Func<string, bool> Within(IReadOnlyList<string> modules) =>
        HeadOr(name => modules.Any(module => name.StartsWith(module + ".", StringComparison.Ordinal)));

    /// <summary>Names of the attention layers of the backbone, from the first.</summary>
    private List<string> Attention()
    {
        var layers = new List<string>();
        foreach (var (prefix, backbone) in _backbones)
        {
            var depths = backbone.LayersByDepth;
            layers.AddRange(
                backbone
                    .named_modules()
                    .Where(child => child.module.IsAttention())
                    .OrderBy(child => depths.Of(child.name)) // and, where these are equal, as they were registered
                    .Select(child => $"{prefix}.{child.name}")
            );
        }
        return layers.Count > 0
            ? layers
            : throw new UserErrorException(
                $"{Option}: {string.Join(", ", _backbones.Select(backbone => backbone.Module.GetName()))} has no attention layer. "
                    + $"Train the norms (\"norms\") or its last part (\"partial\" with tune_from) instead."
            );
    }

    /// <summary>What comes from a module on, in the order of the backbone's depth and, within a block, in that of its modules.</summary>
    private Func<string, bool> From(string module)
    {
        foreach (var (prefix, backbone) in _backbones)
        {
            var inner = module.StartsWith(prefix + ".", StringComparison.Ordinal) ? module[(prefix.Length + 1)..] : module;
            var layers = backbone.LayersByDepth;
            var order = backbone
                .named_parameters()
                .Select((parameter, place) => (parameter.name, Key: (layers.Of(parameter.name), place)))
                .OrderBy(entry => entry.Key)
                .ToArray();
            var first = Array.FindIndex(order, entry => entry.name.StartsWith(inner + ".", StringComparison.Ordinal));
            if (first < 0)
                continue;
            var after = order[first..].Select(entry => $"{prefix}.{entry.name}").ToHashSet();
            // With several backbones, the others are trained as a whole: none of them comes before it.
            return HeadOr(name => after.Contains(name) || !name.StartsWith(prefix + ".", StringComparison.Ordinal));
        }
        throw UnknownModule(module);
    }

    private UserErrorException UnknownModule(string module)
    {
        if (_model.named_modules().Any(child => child.name == module && child.module.parameters().Any()))
            return new UserErrorException(
                $"{Option}_from: \"{module}\" lies outside the backbone, and what does so is trained with every preset. "
                    + $"\"tune\": \"linear_probe\" trains that alone."
            );
        var known = _backbones
            .SelectMany(backbone => backbone.Module.named_modules())
            .Where(child => child.module.parameters().Any())
            .Select(child => child.name)
            .ToArray();
        var first = known.Where(name =>
            !name.Contains('.', StringComparison.Ordinal) || char.IsDigit(name[^1]) && name.Count(c => c == '.') == 1
        );
        return new UserErrorException(
            $"{Option}_from: the backbone has no module \"{module}\" with parameters.{NearestName.Suggest(module, known)} "
                + $"It has {string.Join(", ", first.Take(20))}."
        );
    }
}
