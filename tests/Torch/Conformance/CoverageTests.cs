using System.Reflection;
using Tessera.Tests.Torch.NN;
using Tessera.Tests.Torch.Optim;

namespace Tessera.Tests.Torch.Conformance;

public sealed class CoverageTests
{
    /// <summary>Members of enumerations and of the compiler's making, which compute nothing.</summary>
    private static bool ComputesNothing(string member) => member.StartsWith("ScalarType::", StringComparison.Ordinal);

    [Fact]
    public void EveryMemberThatTesseraCalls_IsCovered()
    {
        var covered = Covered();
        var missing = Assemblies
            .CallsOfTheProduct()
            .Where(entry => !covered.Contains(entry.Key) && !ComputesNothing(entry.Key))
            .Select(entry => $"{entry.Key}, called by {string.Join(", ", entry.Value.Take(3))}")
            .ToList();
        var list = string.Join(Environment.NewLine, missing);
        Assert.True(
            missing.Count == 0,
            $"Members of TorchSharp without a row of the suite or a test with [Covers]:{Environment.NewLine}{list}"
        );
    }

    [Fact]
    public void EveryRow_CallsWhatItNames()
    {
        var calls = Assemblies.CallsOfTheTests();
        var wrong =
            from row in Row.All
            from member in row.Covers
            where !(calls.GetValueOrDefault(row.Compute.Method.MetadataToken)?.Contains(member) ?? false)
            select $"{row.Name} names {member}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void EveryTestWithCovers_CallsWhatItNames()
    {
        var wrong =
            from test in TestsWithCovers()
            let calls = Assemblies.CallsOf(test)
            from member in test.GetCustomAttribute<CoversAttribute>()!.Members
            where !calls.Contains(member)
            select $"{test.DeclaringType!.Name}.{test.Name} names {member}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void EveryRow_HasItsCase_AndEveryCaseItsRow() =>
        Assert.Equal(
            Fixture.Cases("operators.json").Select(c => c.GetProperty("name").GetString()!).Order(),
            Row.All.Select(row => row.Name).Order()
        );

    [Fact]
    public void EveryLayerAndLoss_HasItsCase_AndEveryCaseItsRow()
    {
        string[] wrong = ["GaussianNLLLoss", "Hardtanh", "MultiheadAttention_KDim"]; // tests/Torch/Defects
        var cases = Fixture.Names("layers.json").Concat(Fixture.Names("losses.json")).Select(name => (string)name[0]);
        Assert.Equal(
            cases.Except(wrong).Order(),
            LayerParityTests.Names.Concat(LossParityTests.Names).Select(name => (string)name[0]).Order()
        );
    }

    private static IEnumerable<MethodInfo> TestsWithCovers() =>
        typeof(CoverageTests)
            .Assembly.GetTypes()
            .SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttribute<CoversAttribute>() is not null);

    /// <summary>Rows, tests by hand, and the factories of the layers, losses and optimizers whose fixtures are compared.</summary>
    private static HashSet<string> Covered()
    {
        var calls = Assemblies.CallsOfTheTests();
        var layers = LayerParityTests
            .Factories.Concat(LossParityTests.Factories)
            .Concat(OptimizerParityTests.s_optimizers.Values.Select(entry => entry.Make))
            .SelectMany(make => calls.GetValueOrDefault(make.Method.MetadataToken) ?? []);
        var byHand = TestsWithCovers().SelectMany(test => test.GetCustomAttribute<CoversAttribute>()!.Members);
        return [.. Row.All.SelectMany(row => row.Covers), .. byHand, .. layers];
    }
}
