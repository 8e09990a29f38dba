using TorchSharp;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>A computation of the suite.</summary>
/// <param name="Name">The case of tests/Fixtures/torch/operators.json that holds inputs, values and gradients.</param>
/// <param name="Covers">The members of TorchSharp it stands for, as <see cref="Member"/> writes them.</param>
/// <param name="Compute">The same with TorchSharp.</param>
internal sealed record Row(string Name, string[] Covers, Func<torch.Tensor[], torch.Tensor[]> Compute)
{
    public static IReadOnlyList<Row> All { get; } =
    [.. ElementwiseRows.All, .. ReductionRows.All, .. ShapeRows.All, .. FunctionRows.All, .. FactoryRows.All];
}

/// <summary>Says which members of TorchSharp a test written by hand stands for, as <see cref="Member"/> writes them.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CoversAttribute(params string[] members) : Attribute
{
    public IReadOnlyList<string> Members { get; } = members;
}
