using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>What the modules of a model gave for an image, in the order in which they ran, and what the scores make of it.</summary>
internal sealed class SeenOutputs : IDisposable
{
    private readonly Dictionary<string, nn.Module> _modules;
    private readonly HashSet<string> _several = [];
    private readonly List<long[]> _shapes = [];
    private readonly List<(string Name, int Call, int Output, Tensor Captured, TokenGrid? Grid)> _captured = [];
    private readonly Dictionary<string, int> _calls = [];
    private readonly TokenGrids _grids;
    private readonly Tensor?[] _gradients = [];
    private readonly (int Height, int Width) _image;
    private readonly long _images;
    private readonly string? _only;
    private bool _decided; // the layer that tells classes apart has run

    /// <param name="only">The name of the only module that is looked at; by default all are that run before classes are told
    /// apart.</param>
    public SeenOutputs(VisionModel model, Tensor image, ScoreTarget target, string? only = null)
    {
        _only = only;
        _image = ((int)image.shape[2], (int)image.shape[3]);
        _images = image.shape[0];
        _grids = new TokenGrids(_image.Height, _image.Width);
        _modules = model.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
        var hooks = new List<Action>();
        try
        {
            Watch(model, hooks);
            using var evaluation = new InEvaluation(model, image.device_type);
            using var mode = enable_grad();
            using var scope = NewDisposeScope();
            // Even where all parameters are frozen there is a graph.
            var outputs = model.Explainable().Outputs(image.detach().clone().requires_grad_(true));
            var score = target.Of(outputs, [.. Enumerable.Range(0, (int)image.shape[0])]).sum();
            _gradients = score.requires_grad ? Derivatives.Of(score, [.. _captured.Select(entry => entry.Captured)]) : [];
            foreach (var gradient in _gradients)
                gradient?.DetachFromDisposeScope();
        }
        catch
        {
            Dispose();
            throw;
        }
        finally
        {
            foreach (var remove in hooks)
                remove();
        }
    }

    /// <summary>Shapes of all that was looked at.</summary>
    public IReadOnlyList<long[]> Shapes => _shapes;

    public nn.Module Module(string name) => _modules[name];

    /// <summary>Whether a module gives an array of maps.</summary>
    public bool GivesSeveral(string name) => _several.Contains(name);

    /// <summary>Those that are maps of the image, and whether the score changes with any of their places.</summary>
    public IEnumerable<(MapLayer Layer, bool Reaches)> Maps()
    {
        for (var i = 0; i < _captured.Count; i++)
        {
            var (name, call, output, captured, grid) = _captured[i];
            if (LayerOf(name, output, captured, grid) is not { } layer)
                continue;
            using var scope = NewDisposeScope();
            var reaches = i < _gradients.Length && _gradients[i] is { } gradient && layer.ToMap(gradient).ne(0).any().item<bool>();
            yield return (layer with { Call = call, Image = _image }, reaches);
        }
    }

    public void Dispose()
    {
        foreach (var entry in _captured)
            entry.Captured.Dispose();
        foreach (var gradient in _gradients)
            gradient?.Dispose();
    }

    private void Watch(VisionModel model, List<Action> hooks)
    {
        var inAttention = model.Having<TokenAttention>().Select(entry => entry.Name + ".").ToArray();
        var classifiers = model.Classifiers();
        foreach (var (name, module) in _modules)
        {
            if (name.Length == 0)
                continue;
            Add(ModuleHooks.Before(module, _grids.Notice));
            if (_only is null ? !inAttention.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)) : name == _only)
                Add(ModuleHooks.After(module, (_, output) => See(name, output)));
            if (classifiers.Contains(name))
                Add(ModuleHooks.Before(module, (_, _) => _decided = true));
        }

        void Add(Action? hook)
        {
            if (hook is not null)
                hooks.Add(hook);
        }
    }

    private object? See(string name, object? output)
    {
        if (_decided && _only is null)
            return output;
        _shapes.AddRange(ModuleHooks.Tensors(output).Select(tensor => tensor.shape));
        var call = _calls[name] = _calls.GetValueOrDefault(name, -1) + 1;
        if (output is Tensor one)
            return Capture(name, call, 0, one);
        if (output is not Tensor[] several)
            return output;
        _several.Add(name);
        return several.Select((tensor, i) => Capture(name, call, i, tensor)).ToArray();
    }

    private Tensor Capture(string name, int call, int index, Tensor output)
    {
        if (output.dim() is not (3 or 4) || !output.is_floating_point() || !output.requires_grad)
            return output;
        var captured = output.clone().DetachFromDisposeScope();
        _captured.Add((name, call, index, captured, output.dim() == 3 ? _grids.Of(output.shape[1]) : null));
        return captured.clone();
    }

    private MapLayer? LayerOf(string name, int output, Tensor captured, TokenGrid? grid)
    {
        if (captured.shape[0] != _images)
            return null; // of parts of the images, as a fine-grained model looks at them
        if (captured.dim() == 3)
            return grid is { } tokens && tokens.Height * tokens.Width > 1 ? new MapLayer(name, output, MapForm.Tokens, tokens, "") : null;
        var form = _modules[name] is LayerNorm ? MapForm.ChannelsLast : MapForm.ChannelsFirst;
        var (rows, columns) =
            form == MapForm.ChannelsLast
                ? ((int)captured.shape[1], (int)captured.shape[2])
                : ((int)captured.shape[2], (int)captured.shape[3]);
        return rows * columns > 1 && LiesOverImage(rows, columns)
            ? new MapLayer(name, output, form, new TokenGrid(rows, columns), "")
            : null;
    }

    // Of the image's proportions, give or take what rounding and padding add.
    private bool LiesOverImage(int rows, int columns)
    {
        if (rows > _image.Height + 8 || columns > _image.Width + 8)
            return false;
        var (down, right) = ((double)_image.Height / rows, (double)_image.Width / columns);
        return Math.Abs((columns * down) - _image.Width) <= 2 * Math.Max(down, right);
    }
}
