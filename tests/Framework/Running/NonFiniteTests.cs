using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Diagnosis;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Running;

[Collection(ProcessWide.Name)]
public sealed class NonFiniteTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-nan-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void Run_LossThatIsNaN_NamesIterationTermFilesAndLeavesWeightsAlone()
    {
        using var model = new TinyModel { Factor = progress => progress.Iteration == 6 ? double.NaN : 1 };
        float[] before = [];
        using var trainer = Make(model, TrainerTests.Loader(8), run => before = ((TinyModel)run.Model).Weights());
        var error = Assert.Throws<UserErrorException>(trainer.Run);
        Assert.Contains("not finite at iteration 6 (epoch 1)", error.Message, StringComparison.Ordinal);
        Assert.Contains("Term: ce = NaN.", error.Message, StringComparison.Ordinal);
        Assert.Contains("Every module's output is finite, so the loss itself made it.", error.Message, StringComparison.Ordinal);
        Assert.Contains("nonfinite_iter_6.safetensors", error.Message, StringComparison.Ordinal);
        Assert.Equal(
            8,
            error.Message.Split('\n').Single(line => line.Contains("Files", StringComparison.Ordinal)).Split(".png").Length - 1
        );
        Assert.Equal(Trained(before), Trained(model.Weights()));

        // A norm's running statistics are the only thing that the forward itself changes.
        static float[] Trained(float[] weights) => weights[24..];
    }

    [Fact]
    public void Run_WeightThatOverflows_NamesTheModuleAndTheReplayAgrees()
    {
        using var model = new TinyModel(norm: false);
        using var trainer = Make(
            model,
            TrainerTests.Loader(8),
            run =>
            {
                if (run.Progress.Iteration != 3)
                    return;
                using var _ = no_grad();
                run.Model.named_parameters().Single(p => p.name == "fc1.weight").parameter.fill_(3e38);
            }
        );
        var error = Assert.Throws<UserErrorException>(trainer.Run);
        Assert.Contains("First module with such an output: fc1 (Linear).", error.Message, StringComparison.Ordinal);

        using var other = new TinyModel(norm: false, seed: 5);
        var found = NonFiniteReplay.Replay(other, Path.Combine(_folder, "nonfinite_iter_3.safetensors"));
        Assert.Equal("fc1 (Linear)", found.Module);
        Assert.Equal(["ce"], found.Terms.Keys);
        Assert.Null(found.Weight);
    }

    [Fact]
    public void Run_WeightThatIsNaNFromTheStart_BlamesNoStep()
    {
        using var model = new TinyModel(norm: false);
        using (no_grad())
            model.named_parameters().Single(p => p.name == "fc1.weight").parameter.fill_(double.NaN);
        using var trainer = Make(model, TrainerTests.Loader(8), _ => { });
        var error = Assert.Throws<UserErrorException>(trainer.Run);
        Assert.Contains("The weight fc1.weight was not finite before the first step", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("clip_grad", error.Message, StringComparison.Ordinal);
        Assert.Contains(
            "a gradient of an earlier step",
            new NonFiniteFinding(new Dictionary<string, double>(), null, "fc1.weight", false) { Iteration = 3 }.Describe(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Run_ImagesThatAreInfinite_SaysSo()
    {
        using var model = new TinyModel();
        var loader = new TinyLoader(new TinyDataset(40), 8) { Poison = (epoch, batch) => batch == 2 ? float.PositiveInfinity : null };
        using var trainer = Make(model, loader, _ => { });
        var error = Assert.Throws<UserErrorException>(trainer.Run);
        Assert.Contains("iteration 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("The images of the batch are not finite themselves.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(50)] // found at the end of the run
    [InlineData(3)]
    public void Run_LossesReadLate_GoesBackToTheBatchThatBroke(int interval)
    {
        using var model = new TinyModel(dropout: 0.3) { Factor = progress => progress.Iteration == 7 ? double.PositiveInfinity : 1 };
        using var trainer = TrainerTests.Make(
            model,
            batchSize: 4,
            workDir: _folder,
            loop: TrainerTests.Epochs(3),
            step: new StepOptions(Accumulate: 2),
            hooks: new() { ["nan_guard"] = new NanGuardHook(new NanGuardHookOptions(interval, AutoSwitch.False)) }
        );
        var error = Assert.Throws<UserErrorException>(trainer.Run);
        Assert.Contains("not finite at iteration 7 (epoch 1)", error.Message, StringComparison.Ordinal);
        Assert.Contains("Term: ce = Infinity.", error.Message, StringComparison.Ordinal);
        Assert.Contains("nonfinite_iter_7.safetensors", error.Message, StringComparison.Ordinal);
        Assert.All(model.Weights(), weight => Assert.True(float.IsFinite(weight)));
    }

    [Fact]
    public void Checkpoint_WhereLossesAreReadLate_IsNeverWrittenFromABrokenModel()
    {
        using var model = new TinyModel { Factor = progress => progress.Iteration == 7 ? double.NaN : 1 };
        using var trainer = TrainerTests.Make(
            model,
            workDir: _folder,
            loop: TrainerTests.Epochs(3),
            hooks: new()
            {
                ["nan_guard"] = new NanGuardHook(new NanGuardHookOptions(50, AutoSwitch.False)),
                ["checkpoint"] = new CheckpointHook(new CheckpointHookOptions()),
            }
        );
        Assert.Throws<UserErrorException>(trainer.Run);
        Assert.True(File.Exists(Path.Combine(_folder, "epoch_1.safetensors")));
        Assert.False(File.Exists(Path.Combine(_folder, "epoch_2.safetensors")));
    }

    [Fact]
    public void Run_AttentionOverTokensThatBreaks_IsNamed_AndAModuleOfManyInputsToo()
    {
        using var model = new TokenModel();
        using var trainer = TrainerTests.Make(
            model,
            workDir: _folder,
            hooks: new() { ["nan_guard"] = new NanGuardHook(new NanGuardHookOptions()) }
        );
        Assert.Contains(
            "First module with such an output: attn (Attention).",
            Assert.Throws<UserErrorException>(trainer.Run).Message,
            StringComparison.Ordinal
        );
        Assert.Equal("attn (Attention)", NonFiniteReplay.Replay(model, Path.Combine(_folder, "nonfinite_iter_0.safetensors")).Module);
        Assert.Equal(["embed", "attn"], model.TapNames());
        using var tap = model.Tap("attn");
        using (var batch = TrainerTests.Loader(8).Epoch(0).First())
            model.Loss(batch, default);
        Assert.Equal([8, 4, 3], tap.Value.shape);
    }

    /// <summary>Tokens through modules whose inputs are of several kinds.</summary>
    private sealed class TokenModel : VisionModel
    {
        private readonly TorchSharp.Modules.Linear embed = nn.Linear(3, 3);
        private readonly Attention attn = new();
        private readonly Pair pair = new();

        public TokenModel()
            : base(nameof(TokenModel)) => RegisterComponents();

        public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

        public override LossMap Loss(Batch batch, Progress progress)
        {
            var tokens = embed.call(batch.Images.flatten(2).transpose(1, 2)); // [B, 4, 3]
            tokens = attn.call(tokens, new TokenGrid(2, 2));
            return new LossMap { ["loss"] = pair.call(tokens, tokens).Item1.sum() };
        }

        public override IReadOnlyList<Prediction> Predict(Batch batch) => throw new NotSupportedException();
    }

    private sealed class Attention() : nn.Module<Tensor, TokenGrid, Tensor>(nameof(Attention))
    {
        public override Tensor forward(Tensor x, TokenGrid grid) => x / (grid.Count - 4);
    }

    private sealed class Pair() : nn.Module<Tensor, Tensor, (Tensor, Tensor)>(nameof(Pair))
    {
        public override (Tensor, Tensor) forward(Tensor a, Tensor b) => (a, b);
    }

    [Fact]
    public void Replay_OfAnotherFile_IsAMistake()
    {
        var path = Path.Combine(_folder, "other.txt");
        File.WriteAllText(path, "no tensors");
        using var model = new TinyModel();
        Assert.Throws<UserErrorException>(() => NonFiniteReplay.Replay(model, path));
    }

    private Trainer Make(TinyModel model, TinyLoader loader, Action<RunState> before) =>
        TrainerTests.Make(
            model,
            loader: loader,
            workDir: _folder,
            loop: TrainerTests.Epochs(3),
            hooks: new()
            {
                ["nan_guard"] = new NanGuardHook(new NanGuardHookOptions()),
                ["spy"] = new TrainerTests.Spy { Began = before },
            }
        );
}
