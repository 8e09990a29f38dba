using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Conformance;

public sealed class OperatorParityTests
{
    public static IEnumerable<object[]> Names => Row.All.Select(row => new object[] { row.Name });

    [Theory]
    [MemberData(nameof(Names))]
    public void ValuesAndGradients_SameInputs_EqualPyTorchs(string name)
    {
        using var scope = NewDisposeScope();
        var row = Row.All.Single(row => row.Name == name);
        var expected = Fixture.Case("operators.json", name);
        var inputs = expected.GetProperty("inputs").EnumerateArray().Select(Fixture.Typed).ToArray();
        var gradients = expected.GetProperty("gradients").EnumerateArray().ToArray();
        foreach (var input in inputs.Where(input => input.is_floating_point()))
            input.requires_grad_(true);
        if (name.StartsWith("Seeded_", StringComparison.Ordinal))
            manual_seed(5);

        var outputs = row.Compute(inputs);

        var wanted = expected.GetProperty("outputs").EnumerateArray().ToArray();
        Assert.Equal(wanted.Length, outputs.Length);
        for (var i = 0; i < wanted.Length; i++)
            Fixture.Same(wanted[i], outputs[i], $"output {i}");
        if (gradients.All(gradient => gradient.ValueKind == JsonValueKind.Null))
            return;
        outputs
            .Where(output => output.is_floating_point() && output.requires_grad)
            .Select(output => Fixture.WeightedSum(output.to(ScalarType.Float64)))
            .Aggregate((sum, part) => sum + part)
            .backward();
        for (var i = 0; i < gradients.Length; i++)
            if (gradients[i].ValueKind != JsonValueKind.Null)
                Fixture.Close(gradients[i], inputs[i].grad, $"the gradient of input {i}", 1e-4);
    }
}
