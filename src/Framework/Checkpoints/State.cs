using System.Text.Json.Nodes;
using Tessera.Framework.Running;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>Collects named tensors and small values for a checkpoint. Names are joined with dots under a prefix.</summary>
public sealed class StateWriter
{
    private readonly string _prefix;

    public StateWriter(string prefix = "") => (_prefix, Tensors, Values) = (prefix, [], []);

    private StateWriter(StateWriter parent, string prefix) => (_prefix, Tensors, Values) = (prefix, parent.Tensors, parent.Values);

    /// <summary>By full name; not owned.</summary>
    public Dictionary<string, Tensor> Tensors { get; }

    /// <summary>By full name.</summary>
    public JsonObject Values { get; }

    public StateWriter Under(string name) => new(this, _prefix + name + ".");

    public void Write(string name, Tensor tensor) => Tensors.Add(_prefix + name, tensor);

    public void WriteValue(string name, JsonNode? value) => Values.Add(_prefix + name, value);
}

/// <summary>Gives back what a <see cref="StateWriter"/> collected.</summary>
public sealed class StateReader(IReadOnlyDictionary<string, Tensor> tensors, JsonObject values, string prefix = "")
{
    public StateReader Under(string name) => new(tensors, values, prefix + name + ".");

    /// <returns>null where the checkpoint has none.</returns>
    public Tensor? Tensor(string name) => tensors.GetValueOrDefault(prefix + name);

    /// <returns>null where the checkpoint has none.</returns>
    public JsonNode? Value(string name) => values[prefix + name];

    /// <summary>Names below the present prefix.</summary>
    public IEnumerable<string> TensorNames =>
        tensors.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Select(key => key[prefix.Length..]);
}
