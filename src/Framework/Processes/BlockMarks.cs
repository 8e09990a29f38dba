using Tessera.Framework.Models;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Processes;

/// <summary>Marks behind the blocks of a model's backbone, at which backward tells that all blocks after them are done.</summary>
internal sealed class BlockMarks : IDisposable
{
    private readonly List<Action> _removers = [];
    private readonly List<int> _calls = [];

    private BlockMarks() { }

    /// <summary>Called when backward has come to the end of a block, counted from 1: the gradients of all blocks after it, and of what
    /// comes after the backbone, are complete.</summary>
    public Action<int>? Reached { get; set; }

    /// <summary>Whether every marked module has run exactly once since <see cref="Forget"/>. One that ran again gets gradients from there,
    /// too.</summary>
    public bool RanOnce => _calls.TrueForAll(calls => calls == 1);

    /// <summary>The layer of every parameter by name: 0 for what comes before the first block, i for the i-th, and one more for what
    /// comes after the last.</summary>
    public required IReadOnlyDictionary<string, int> Layers { get; init; }

    /// <returns>null where the model has no backbone with several blocks, or several backbones.</returns>
    public static BlockMarks? Attach(nn.Module model)
    {
        var backbones = model.Having<Backbone>().ToArray();
        if (backbones is not [var (prefix, backbone)] || backbone.LayersByDepth is not { Blocks: > 1 } depth)
            return null;
        var layers = model.named_parameters().ToDictionary(parameter => parameter.name, parameter => LayerOf(parameter.name));
        var marks = new BlockMarks { Layers = layers };
        var modules = backbone.named_modules().ToDictionary(child => child.name, child => child.module);
        for (var block = 1; block < depth.Blocks; block++)
            foreach (var name in depth.BlockNames[block - 1])
                if (modules.TryGetValue(name, out var module))
                    marks.Place(module, block);
        return marks;

        int LayerOf(string name) =>
            name.StartsWith(prefix + ".", StringComparison.Ordinal) ? depth.Of(name[(prefix.Length + 1)..]) : depth.Blocks + 1;
    }

    /// <summary>Another forward begins.</summary>
    public void Forget()
    {
        for (var i = 0; i < _calls.Count; i++)
            _calls[i] = 0;
    }

    public void Dispose() => _removers.ForEach(remove => remove());

    private void Place(nn.Module module, int block)
    {
        var index = _calls.Count;
        var remove = ModuleHooks.After(
            module,
            (_, output) =>
            {
                if (output is not Tensor tensor || !is_grad_enabled())
                    return output;
                _calls[index]++;
                return BackwardMark.Place(tensor, () => Reached?.Invoke(block));
            }
        );
        if (remove is null)
            return;
        _calls.Add(0);
        _removers.Add(remove);
    }
}
