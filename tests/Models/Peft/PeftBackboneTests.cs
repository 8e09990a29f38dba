using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Peft;

/// <summary>Every method on every registered backbone: it fits or says why not, begins at the base, trains what it names and nothing else,
/// and is merged where it can be.</summary>
public sealed class PeftBackboneTests
{
    // "start": whether the first step's output is the base's, bit for bit.
    private static readonly (string Config, bool Start)[] s_methods =
    [
        ("""{ "type": "LoRA", "roles": ["all"], "rank": 2 }""", true),
        ("""{ "type": "DoRA", "roles": ["all"], "rank": 2 }""", true),
        ("""{ "type": "IA3", "roles": ["all"] }""", true),
        ("""{ "type": "SSF" }""", false),
        ("""{ "type": "BitFit" }""", true),
        ("""{ "type": "NormTuning" }""", true),
        ("""{ "type": "Adapter", "bottleneck": 16, "placement": "houlsby" }""", true),
        ("""{ "type": "AdaptFormer", "bottleneck": 16 }""", true),
        ("""{ "type": "VPT", "tokens": 2 }""", false),
        ("""{ "type": "VPT", "tokens": 2, "deep": true }""", false),
    ];

    [Fact]
    public void EveryRegisteredMethod_IsTested()
    {
        var registered = typeof(Tessera.Models.Peft.Lora)
            .Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(PeftMethod)) && !type.IsAbstract);
        Assert.Equal(
            registered.Select(type => type.FullName).Order(),
            s_methods.Select(method => Build.From<PeftMethod>(method.Config).GetType().FullName).Distinct().Order()
        );
    }

    [Theory]
    [MemberData(nameof(ContractConfigs.Backbones), MemberType = typeof(ContractConfigs))]
    public void EveryMethod_FitsTheBackbone_OrSaysWhyNot(string config)
    {
        config = config.Replace("\"layer1_channels\": 1,", "\"layer1_channels\": 2,", StringComparison.Ordinal); // one channel may be a dead ReLU
        using var plain = Build.From<Backbone>(config);
        if (!plain.parameters().Any())
            return;
        var hasBranches = new LayerMap(plain).Branches.Count > 0;
        foreach (var (method, start) in s_methods)
        {
            using var scope = NewDisposeScope();
            random.manual_seed(3);
            using var model = PeftModels.Plain(config, $$"""{ "m": {{method}} }""");
            model.eval();
            var before = Maps(model);
            var needs = method.Contains("Adapt", StringComparison.Ordinal)
                ? hasBranches
                : !method.Contains("VPT", StringComparison.Ordinal) || plain is ITakesPrompts;
            if (!needs)
            {
                Assert.Throws<UserErrorException>(() => Adaptation.Attach(model));
                continue;
            }
            Adaptation.Attach(model);
            foreach (var (map, expected) in Maps(model).Zip(before))
            {
                Assert.Equal(expected.shape, map.shape);
                Assert.True(map.isfinite().all().item<bool>());
                Assert.True(map.equal(expected).all().item<bool>() == start, $"{method}: begins at the base: {!start}");
            }
            RequireTraining(model, method);
        }
    }

    [Theory]
    [MemberData(nameof(ContractConfigs.Backbones), MemberType = typeof(ContractConfigs))]
    public void EveryMethod_MergedAndUnmerged_GivesTheSame(string config)
    {
        if (!config.Contains("depth", StringComparison.Ordinal) && !config.Contains("channels", StringComparison.Ordinal))
            return; // the defaults' full size; its layers are those of the small ones
        foreach (var (method, _) in s_methods)
        {
            if (Build.From<PeftMethod>(method).CannotMerge is not null)
                continue;
            using var scope = NewDisposeScope();
            using var still = no_grad();
            using var model = Adapted(config, method);
            // This one holds on to the embeddings that it was built with, which a change of type replaces.
            var isDouble = PeftModels.BackboneOf(model) is not Tessera.Models.Backbones.PyramidVisionTransformer;
            if (isDouble)
                model.to(ScalarType.Float64);
            PeftModels.Shake(model);
            model.eval();
            var images = Formula.Values("images", 2, 3, 48, 80).to(isDouble ? ScalarType.Float64 : ScalarType.Float32);
            random.manual_seed(1);
            var unmerged = PeftModels.BackboneOf(model).call(images);
            model.Adaptation!.Merge();
            random.manual_seed(1);
            var merged = PeftModels.BackboneOf(model).call(images);
            foreach (var (one, other) in unmerged.Zip(merged))
                Assert.True(
                    (one - other).abs().max().ToDouble() <= (isDouble ? 1e-6 : 1e-4) * Math.Max(1, one.abs().max().ToDouble()),
                    $"{method}: {(one - other).abs().max().ToDouble()}"
                );
        }
    }

    [Fact]
    public void Role_ThatTheBackboneLacks_NamesThoseItHas()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            PeftModels.Classifier("""{ "type": "ResNet", "depth": 18, "base_channels": 8 }""", """{ "lora": { "type": "LoRA" } }""")
        );
        Assert.Contains("peft.lora (LoRA): ResNet has no layer of the role \"query\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("Roles that it has: conv, all.", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<UserErrorException>(() =>
            PeftModels.Classifier(
                """{ "type": "VisionTransformer", "embed_dim": 8, "depth": 1, "num_heads": 2, "image_size": 16, "patch_size": 8 }""",
                """{ "lora": { "type": "LoRA", "roles": ["linear"] } }"""
            )
        );
        Assert.Contains(
            "Roles that it has: query, key, value, qkv, proj, fc1, fc2, mlp, conv, all.",
            error.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Role_ThatNobodyKnows_NamesTheKnownOnes()
    {
        var error = Assert.Throws<UserErrorException>(() => Build.From<PeftMethod>("""{ "type": "LoRA", "roles": ["quary"] }"""));
        Assert.Contains("query", error.Message, StringComparison.Ordinal);
        Assert.Contains("fc1", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Queries, keys and values of the Performer lie in another order than elsewhere.</summary>
    [Fact]
    public void Performer_Rows_AreKeysQueriesValues()
    {
        using var backbone = Build.From<Backbone>(
            """{ "type": "T2TViT", "arch": 7, "embed_dim": 32, "depth": 1, "token_dim": 16, "image_size": 32 }"""
        );
        var rows = new LayerMap(backbone).All.Where(slice => slice.Name == "tokens_to_token.attention1.kqv").ToArray();
        Assert.Equal(
            [(LayerRole.Key, 0L, 16L), (LayerRole.Query, 16L, 16L), (LayerRole.Value, 32L, 16L)],
            rows.Select(slice => (slice.Role, slice.Start, slice.Length))
        );
    }

    private static Tensor[] Maps(VisionModel model)
    {
        using var still = no_grad();
        random.manual_seed(1);
        return PeftModels.BackboneOf(model).call(Formula.Values("images", 2, 3, 64, 64));
    }

    private static VisionModel Adapted(string config, string method)
    {
        random.manual_seed(3);
        return PeftModels.Classifier(config, $$"""{ "m": {{method}} }""");
    }

    /// <summary>Two steps by hand: gradients where they belong, and the base as it was.</summary>
    private static void RequireTraining(VisionModel model, string method)
    {
        var (adaptation, backbone) = (model.Adaptation!, PeftModels.BackboneOf(model));
        var before = adaptation.IdentityOf(adaptation.Base);
        model.train();
        Assert.All(backbone.modules().OfType<BatchNorm2d>(), norm => Assert.False(norm.training));
        for (var step = 0; step < 2; step++)
        {
            using var scope = NewDisposeScope();
            foreach (var parameter in model.parameters())
                parameter.grad?.zero_();
            var maps = backbone.call(Formula.Values("images", 4, 3, 64, 64));
            maps.Select(map => (map * Formula.Values("images", map.shape)).sum()).Aggregate((a, b) => a + b).backward();
            using var still = no_grad();
            foreach (var (name, parameter) in adaptation.Adapted)
            {
                var gradient = parameter.grad;
                Assert.True(gradient is not null, $"{method}: {name} has no gradient");
                if (step == 1 && !name.Contains(".pos.pos3.", StringComparison.Ordinal)) // a softmax doesn't see its last bias; 3 ReLUs before it
                    Assert.True(gradient!.abs().sum().item<float>() > 0, $"{method}: {name}: gradient is zero");
                parameter.sub_(gradient! / (gradient!.abs().max() + 1e-12) * 1e-2);
            }
        }
        var adapted = adaptation.Adapted.Select(entry => entry.Name).ToHashSet();
        foreach (var (name, parameter) in model.named_parameters())
            if (!adapted.Contains(name) && name.StartsWith("backbone.", StringComparison.Ordinal))
                Assert.True(!parameter.requires_grad && parameter.grad is null, $"{method}: {name} is trained");
        Assert.Equal(before, adaptation.IdentityOf(adaptation.Base)); // statistics among it
    }
}
