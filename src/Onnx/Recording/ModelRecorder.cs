using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Onnx.Recording;

/// <summary>Runs a model once while its operators are watched.</summary>
/// <param name="model">In evaluation mode.</param>
/// <param name="forward">Images to results.</param>
/// <param name="taps">Names of modules whose outputs are wanted, too.</param>
internal sealed class ModelRecorder(nn.Module model, Func<Tensor, Tensor[]> forward, IReadOnlyList<string> taps)
{
    private const int ResultMark = 1 << 24,
        TapMark = ResultMark + 1;

    private readonly (string name, nn.Module module)[] _modules = [.. model.named_modules().DistinctBy(entry => entry.module)];

    /// <summary>Parameters and buffers by their names in the state.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> Weights { get; } = [.. model.state_dict().Select(entry => (entry.Key, entry.Value))];

    /// <summary>The program for images of a size. What the images show is random.</summary>
    /// <exception cref="UserErrorException">It can't be watched here.</exception>
    public RecordedProgram Record(IReadOnlyList<long> shape, int seed)
    {
        if (!OperatorTrace.SeesValues)
            throw new UserErrorException("This libtorch does not show what its operators are given, so models can't be exported here.");
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var generator = new Generator((ulong)seed);
        var images = randn([.. shape], generator: generator);
        using (NewDisposeScope())
            _ = forward(images); // what the model keeps for this size is made now
        var removals = new List<Action>();
        try
        {
            Hook(removals);
            var trace = OperatorTrace.RecordWithValues(
                () =>
                {
                    var results = forward(images);
                    OperatorTrace.Mark(ResultMark);
                    foreach (var result in results)
                        _ = result.detach();
                },
                [images],
                [.. Weights.Select(weight => weight.Tensor)]
            );
            return Read(trace);
        }
        catch (IOException e)
        {
            throw new UserErrorException(e.Message, e);
        }
        finally
        {
            foreach (var remove in removals)
                remove();
        }
    }

    // Marks are 2 i where module i begins, 2 i + 1 where it ends.
    private void Hook(List<Action> removals)
    {
        for (var i = 0; i < _modules.Length; i++)
        {
            var (begin, tap) = (2 * i, taps.ToList().IndexOf(_modules[i].name));
            var remove = ModuleHooks.Around(
                _modules[i].module,
                _ => OperatorTrace.Mark(begin),
                (called, output) =>
                {
                    if (tap >= 0)
                    {
                        OperatorTrace.Mark(TapMark + tap);
                        foreach (var tensor in ModuleHooks.Tensors(output))
                            _ = tensor.detach();
                    }
                    OperatorTrace.Mark(begin + 1);
                }
            );
            if (remove is not null)
                removals.Add(remove);
        }
    }

    private RecordedProgram Read(OperatorTrace trace)
    {
        var builder = new ProgramBuilder();
        var entered = new Stack<string>();
        int? collecting = null;
        var collected = new List<int>();
        foreach (var node in trace.Operators)
        {
            if (node.Mark is { } mark)
            {
                End();
                if (mark >= ResultMark)
                    collecting = mark;
                else if (mark % 2 == 0)
                    entered.Push(_modules[mark / 2].name);
                else
                    entered.Pop();
                continue;
            }
            var outputs = builder.Add(node, entered.TryPeek(out var module) ? module : "");
            if (collecting is not null && node.Name == "aten::detach")
                collected.AddRange(outputs);
        }
        End();
        return builder.Program;

        void End()
        {
            if (collecting == ResultMark)
                builder.Program.Results.AddRange(collected);
            else if (collecting is { } tap)
                builder.Program.Taps[tap - TapMark] = [.. collected];
            (collecting, collected) = (null, []);
        }
    }
}
