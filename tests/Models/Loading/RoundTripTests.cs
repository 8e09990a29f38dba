using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using static Tessera.Tests.Models.Loading.RoundTripModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Loading;

/// <summary>Weights published in every project's names, and read again by init and as tools/test does, by a model whose classes are in
/// another order.</summary>
public sealed class RoundTripTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public static TheoryData<string> Models => [.. s_models.Keys];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Models))]
    public void Publish_EveryMap_IsReadAgainByName(string model)
    {
        var checkpoint = Save(model, out var source);
        using var _ = source;
        foreach (var names in source.KeyMaps.Where(map => map.Value.Publish is not null).Select(map => map.Key).Append("own"))
        {
            foreach (var extension in new[] { "safetensors", "pth" })
            {
                var published = Publisher.Publish(checkpoint, Path.Combine(_folder, $"{names}.{extension}"), names);
                AssertBackbone(model, source, published.Path, $"{names}.{extension}", names);
                using var tested = New(model);
                if (published.LeftOut.Count > 0)
                {
                    // The tool said so; such a file is no whole model, and a backbone to begin from.
                    Assert.Contains(
                        "missing",
                        Assert.Throws<UserErrorException>(() => ForeignWeights.LoadWhole(tested, published.Path, Reversed(model))).Message,
                        StringComparison.Ordinal
                    );
                    continue;
                }
                Assert.True(ForeignWeights.LoadWhole(tested, published.Path, Reversed(model)).IsComplete);
                AssertSame(source, tested, $"{names}.{extension} by test", names);
                using var begun = New(model);
                Initialize(begun, published.Path, Reversed(model));
                AssertSame(source, begun, $"{names}.{extension} by init", names);
            }
        }
        Assert.Empty(Publisher.Publish(checkpoint, Path.Combine(_folder, "default.safetensors")).LeftOut);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Init_FromACheckpointOfOurs_GoesByName(string model)
    {
        var checkpoint = Save(model, out var source);
        using var _ = source;
        using var begun = New(model);
        Initialize(begun, checkpoint, Reversed(model));
        AssertSame(source, begun, model);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Init_ForMoreClasses_TakesThoseThatTheFileHas(string model)
    {
        if (model == "regression")
            return; // its targets' scales are given one by one
        var checkpoint = Save(model, out var source);
        using var _ = source;
        var data = Data(model) with { Classes = ["new", "class2", "class0", "newer"], Things = [true, false, true, false] };
        using var begun = Build.From<VisionModel>(s_models[model].Config, data);
        var before = begun.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        Initialize(begun, checkpoint, data);
        var (from, to) = (source.state_dict(), begun.state_dict());
        foreach (var tensor in begun.ClassTensors)
        {
            var (stored, first, now) = (
                ByClass(tensor, from[tensor.Name]),
                ByClass(tensor, before[tensor.Name]),
                ByClass(tensor, to[tensor.Name])
            );
            foreach (
                var (row, wanted) in new[] { first.select(1, 0), stored.select(1, 2), stored.select(1, 0), first.select(1, 3) }.Index()
            )
                Assert.True(now.select(1, row).Equals(wanted), $"{tensor.Name} row {row}");
        }
        var classes = begun.ClassTensors.Select(tensor => tensor.Name).ToHashSet();
        foreach (var (name, value) in from.Where(pair => !classes.Contains(pair.Key)))
            Assert.True(value.Equals(to[name]), name);
        foreach (var value in before.Values)
            value.Dispose();
    }

    private static DataInfo Data(string model) =>
        s_models[model].Task is var task && task == DataTask.Panoptic
            ? Build.Classes(3, task) with
            {
                Things = [true, false, true],
            }
            : Build.Classes(3, task);

    private static DataInfo Reversed(string model) => Data(model) with { Classes = [.. Data(model).Classes.Reverse()] };

    /// <summary>A model for the classes in reversed order; what standardises its targets begins otherwise.</summary>
    private static VisionModel New(string model) => Build.From<VisionModel>(s_models[model].Config, Reversed(model));

    private static void Initialize(VisionModel model, string path, DataInfo data) =>
        new PretrainedInitializer(new PretrainedOptions(path)).Initialize(model, new InitContext(data));

    private string Save(string model, out VisionModel source)
    {
        source = Formula.Fill(Build.From<VisionModel>(s_models[model].Config, Data(model)));
        var state = new StateWriter();
        foreach (var (name, tensor) in source.state_dict())
            state.Under("model").Write(name, tensor);
        return new CheckpointStore(_folder).Save(
            "epoch_1",
            state,
            new CheckpointInfo
            {
                Config = ConfigDocument.Parse($$"""{ "model": {{s_models[model].Config}} }"""),
                Data = Data(model),
                Epoch = 1,
                Iteration = 1,
                PublishedNames = PublishedNames.For(source),
                PublishedForms = PublishedNames.Forms(source),
            }
        );
    }

    /// <summary>A backbone alone takes its part of the file.</summary>
    private static void AssertBackbone(string model, VisionModel source, string path, string what, string names)
    {
        var map = source.KeyMaps.GetValueOrDefault(names);
        using var fresh = New(model);
        var backbone = fresh.modules().OfType<Backbone>().Single();
        new PretrainedInitializer(new PretrainedOptions(path)).Initialize(backbone, new InitContext());
        var expected = source.state_dict();
        foreach (var (name, value) in backbone.state_dict())
        {
            using var scope = NewDisposeScope();
            var full = "backbone." + name;
            Assert.True((InForm(map, expected, full) ?? expected[full]).Equals(value), $"{what} by a backbone: {name}");
        }
    }

    /// <summary>What a form makes of a tensor that it has not or changes; null where it stays as it is.</summary>
    private static Tensor? InForm(KeyMap? map, Dictionary<string, Tensor> from, string name)
    {
        if (map?.Publish is { } publish && publish(name) is null && map.Absent?.Invoke(name) == true)
            return zeros_like(from[name]);
        return map?.PublishAs?.Invoke(name) is { } form && form.StartsWith("less ", StringComparison.Ordinal)
            ? from[name] - from[form["less ".Length..]]
            : null;
    }

    /// <param name="names">The form that lay between the two: what it lacks (a bias before a norm) is 0, and taken from what
    /// follows.</param>
    private static void AssertSame(VisionModel source, VisionModel reversed, string what, string names = "own")
    {
        var map = source.KeyMaps.GetValueOrDefault(names);
        var (from, to) = (source.state_dict(), reversed.state_dict());
        var classes = source.ClassTensors.ToDictionary(tensor => tensor.Name);
        Assert.NotEmpty(classes);
        Assert.Equal(from.Keys, to.Keys);
        foreach (var (name, value) in from)
        {
            using var scope = NewDisposeScope();
            var expected = InForm(map, from, name) ?? (classes.TryGetValue(name, out var tensor) ? Reversed(tensor, value) : value);
            Assert.True(expected.Equals(to[name]), $"{what}: {name}");
        }
    }

    /// <summary>[groups, classes, rows of each, …], without the rows of no class.</summary>
    private static Tensor ByClass(ClassTensor tensor, Tensor rows) =>
        rows.narrow(0, 0, rows.shape[0] - tensor.Others).unflatten(0, [tensor.Groups, -1, tensor.RowsPerClass]);

    /// <summary>The classes in the opposite order, each with its rows; those of no class stay at the end.</summary>
    private static Tensor Reversed(ClassTensor tensor, Tensor rows) =>
        cat([ByClass(tensor, rows).flip(1).flatten(0, 2), rows.narrow(0, rows.shape[0] - tensor.Others, tensor.Others)], 0);
}
