using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Models.Peft;

/// <summary>Holds what methods add, by path. In training it keeps the base's batch norms in evaluation mode, so that their statistics
/// stay.</summary>
internal sealed class PeftTree(IEnumerable<Backbone> bases) : nn.Module(nameof(PeftTree))
{
    private readonly Backbone[] _bases = [.. bases];
    private readonly Node _root = new();

    /// <param name="path">Names with dots between.</param>
    public void Add(string path, nn.Module module)
    {
        var (first, rest) = Cut(path);
        if (_root.Find(first) is null)
            register_module(first, _root.New(first));
        _root.Find(first)!.Add(rest, module);
    }

    // The model calls its children in their order, and this is the last.
    public override void train(bool train = true)
    {
        base.train(train);
        if (!train)
            return;
        foreach (var norm in _bases.SelectMany(backbone => backbone.modules()))
            if (norm is BatchNorm or InstanceNorm)
                norm.eval();
    }

    private static (string First, string Below) Cut(string path)
    {
        var dot = path.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? (path, "") : (path[..dot], path[(dot + 1)..]);
    }

    private sealed class Node() : nn.Module(nameof(Node))
    {
        private readonly Dictionary<string, Node> _nodes = [];

        public Node? Find(string name) => _nodes.GetValueOrDefault(name);

        public Node New(string name) => _nodes[name] = new Node();

        public void Add(string path, nn.Module module)
        {
            var (first, rest) = Cut(path);
            if (rest.Length == 0)
            {
                register_module(first, module);
                return;
            }
            if (Find(first) is null)
                register_module(first, New(first));
            Find(first)!.Add(rest, module);
        }
    }
}
