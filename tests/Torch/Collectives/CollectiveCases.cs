using System.Diagnostics;
using System.Globalization;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tessera.Tests.Torch.Collectives;

/// <summary>What every process of a group does and expects. It runs in each of the processes; a difference is an exception.</summary>
internal static class CollectiveCases
{
    public static IReadOnlyDictionary<string, Action<MpiGroup>> All { get; } =
        new Dictionary<string, Action<MpiGroup>>
        {
            ["sum float32"] = group => Sums(group, ScalarType.Float32),
            ["sum float64"] = group => Sums(group, ScalarType.Float64),
            ["sum float16"] = group => Sums(group, ScalarType.Float16),
            ["sum bfloat16"] = group => Sums(group, ScalarType.BFloat16),
            ["sum int64"] = group => Sums(group, ScalarType.Int64),
            ["sum int32"] = group => Sums(group, ScalarType.Int32),
            ["sum uint8"] = group => Sums(group, ScalarType.Byte),
            ["sum of booleans"] = SumsBooleans,
            ["bfloat16 is summed in float32"] = SumsInFloat,
            ["sum of a view with strides"] = SumsViews,
            ["sum of nothing"] = group => Sums(group, zeros(0), zeros(0)),
            ["sum in pieces"] = SumsInPieces,
            ["complex numbers are refused"] = RefusesComplex,
            ["gradient of a sum"] = GradientOfASum,
            ["second gradient of a sum"] = SecondGradient,
            ["two processes are one network"] = NetworkOverProcesses,
            ["a sum without gradient"] = SumWithoutGradient,
            ["broadcast of every type"] = Broadcasts,
            ["gathering bytes of different lengths"] = Gathers,
            ["barrier"] = Waits,
            ["calls from another thread"] = group => Task.Run(() => Sums(group, ScalarType.Float32)).GetAwaiter().GetResult(),
            ["sums that are begun"] = BeginsSums,
            ["sums that are begun go on by themselves"] = GoesOn,
            ["sums that are begun beside other calls"] = BeginsBesideOthers,
            ["messages to the next process"] = SendsToTheNext,
            ["messages of every type"] = SendsEveryType,
            ["messages in pieces"] = SendsInPieces,
            ["messages to nobody are refused"] = RefusesNobody,
            ["null references are still caught"] = CatchesNullReferences,
            ["no tensor is left"] = LeavesNoTensor,
            ["MPI is joined once"] = JoinsOnce,
        };

    /// <summary>Rank 0 prints a line "case NAME: ok" or "case NAME: what differs, in which rank".</summary>
    public static int Run()
    {
        using var group = MpiGroup.Join(Launch.Find());
        Say(group, $"library {group.Library}, {group.WorldSize} processes");
        foreach (var (name, test) in All)
        {
            var said = "ok";
            try
            {
                using var scope = NewDisposeScope();
                test(group);
            }
            catch (Exception e)
            {
                said = $"rank {group.Rank}: {e.GetType().Name} {e.Message}".ReplaceLineEndings(" ");
            }
            var all = group.AllGather(System.Text.Encoding.UTF8.GetBytes(said)).Select(System.Text.Encoding.UTF8.GetString);
            Say(group, $"case {name}: {string.Join("; ", all.Distinct())}");
        }
        foreach (var count in (int[])[1000, 11_700_000])
            Time(group, count);
        return 0;
    }

    private static void Say(MpiGroup group, string line)
    {
        if (group.Rank == 0)
            Console.WriteLine(line);
    }

    private static void Time(MpiGroup group, int count)
    {
        using var numbers = ones(count);
        var times = new List<double>();
        for (var i = 0; i < 9; i++)
        {
            group.Barrier();
            var begin = Stopwatch.GetTimestamp();
            group.AllReduceSum(numbers);
            times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }
        Say(group, string.Create(CultureInfo.InvariantCulture, $"time {count} floats: {times.Order().ElementAt(4):F3} ms"));
    }

    private static void Sums(MpiGroup group, ScalarType type)
    {
        var all = Enumerable.Range(0, group.WorldSize).Select(rank => (arange(0, 12, ScalarType.Float32) + 3 * rank).to(type)).ToArray();
        Sums(group, all[group.Rank].clone(), all.Aggregate((a, b) => a + b));
    }

    private static void Sums(MpiGroup group, Tensor given, Tensor expected)
    {
        group.AllReduceSum(given);
        Equal(expected, given);
    }

    private static void SumsBooleans(MpiGroup group) => Sums(group, tensor([group.Rank == 0, false, true]), tensor([true, false, true]));

    // 256 + 1 + 1: bfloat16 has steps of 2 there, so that adding each 1 alone is lost. In float32 it is 258. Shows from three processes on.
    private static void SumsInFloat(MpiGroup group) =>
        Sums(
            group,
            tensor([group.Rank == 0 ? 256f : 1f]).to(ScalarType.BFloat16),
            tensor([255f + group.WorldSize]).to(ScalarType.BFloat16)
        );

    private static void SumsViews(MpiGroup group)
    {
        var whole = arange(24, ScalarType.Float32).view(4, 6);
        group.AllReduceSum(whole.t().narrow(0, 1, 2)); // columns 1 and 2
        var expected = arange(24, ScalarType.Float32).view(4, 6);
        expected.narrow(1, 1, 2).mul_(group.WorldSize);
        Equal(expected, whole);
        var channelsLast = ChannelsLast.Lay(arange(48, ScalarType.Float32).view(2, 3, 2, 4));
        Sums(group, channelsLast, arange(48, ScalarType.Float32).view(2, 3, 2, 4) * group.WorldSize);
        Ensure(ChannelsLast.IsLaid(channelsLast), "the layout has changed");
    }

    private static void SumsInPieces(MpiGroup group)
    {
        var before = group.Piece;
        group.Piece = 5; // as counts above 2^31 would be
        Sums(group, ScalarType.Float64);
        Broadcasts(group);
        Gathers(group);
        group.Piece = before;
    }

    private static void RefusesComplex(MpiGroup group)
    {
        try
        {
            group.AllReduceSum(zeros(2, ScalarType.ComplexFloat32));
        }
        catch (ArgumentException e) when (e.Message.Contains("ComplexFloat32", StringComparison.Ordinal))
        {
            return;
        }
        throw new InvalidOperationException("complex numbers were summed");
    }

    // L_r = Σ w_r y, y = Σ_q x_q: dL/dx_q = Σ_r w_r in every process, where L is the sum of all L_r.
    private static void GradientOfASum(MpiGroup group)
    {
        var x = tensor([1f + group.Rank, 2, 3]).requires_grad_();
        var weights = tensor([1f, 10, 100]) * (group.Rank + 1);
        var y = group.Sum(x);
        (y * weights).sum().backward();
        var ranks = Enumerable.Range(1, group.WorldSize).Sum();
        Equal(tensor([(float)ranks, 2 * group.WorldSize, 3 * group.WorldSize]), y.detach());
        Equal(tensor([1f, 10, 100]) * ranks, x.grad!);
    }

    // L = ½ Σ y² in each of W processes: dL/dx_q = W Σ_p x_p, and the sum of these over all q has the derivative W² by each x_p.
    private static void SecondGradient(MpiGroup group)
    {
        var x = tensor([2f, 3]).requires_grad_();
        var loss = group.Sum(x).square().sum() / 2;
        var first = autograd.grad([loss], [x], create_graph: true)[0];
        var second = autograd.grad([first.sum()], [x])[0];
        var n = (float)group.WorldSize;
        Equal(tensor([2f, 3]) * n * n, first.detach());
        Equal(full(2, n * n, ScalarType.Float32), second);
    }

    // A norm over the batch of all processes, by two sums; against one process with the whole batch.
    private static void NetworkOverProcesses(MpiGroup group)
    {
        var rows = randn(group.WorldSize * 3, 4, ScalarType.Float64, generator: new Generator(7));
        var whole = rows.clone().requires_grad_();
        Loss(whole, t => t.clone(), group.WorldSize * 3).backward();
        var part = rows.narrow(0, group.Rank * 3, 3).clone().requires_grad_();
        Loss(part, group.Sum, group.WorldSize * 3).backward();
        Ensure(part.grad!.allclose(whole.grad!.narrow(0, group.Rank * 3, 3), rtol: 1e-10, atol: 1e-12), "the gradients differ");

        static Tensor Loss(Tensor x, Func<Tensor, Tensor> sum, double count)
        {
            var centred = x - sum(x.sum([0L])) / count;
            var variance = sum(centred.square().sum([0L])) / count;
            var y = centred * (variance + 1e-5).rsqrt();
            return F.softplus(y * arange(1, 5, ScalarType.Float64)).sum();
        }
    }

    // Several at once, waited for in another order; a type and a layout that are not sent as they are among them.
    private static void BeginsSums(MpiGroup group)
    {
        ScalarType[] types = [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Int32];
        var given = types.Select(type => (arange(0, 12, ScalarType.Float32) + group.Rank).to(type)).Append(zeros(0)).ToArray();
        var whole = arange(24, ScalarType.Float32).view(4, 6);
        var view = whole.t().narrow(0, 1, 2);
        var pending = given.Append(view).Select(group.BeginAllReduceSum).ToArray();
        foreach (var operation in pending.Reverse())
            operation.Wait();
        pending[0].Wait(); // a second time changes nothing
        var ranks = Enumerable.Range(0, group.WorldSize).Sum();
        for (var i = 0; i < types.Length; i++)
            Equal((arange(0, 12, ScalarType.Float32) * group.WorldSize + ranks).to(types[i]), given[i]);
        var expected = arange(24, ScalarType.Float32).view(4, 6);
        expected.narrow(1, 1, 2).mul_(group.WorldSize);
        Equal(expected, whole);
    }

    // A large sum is done while no process calls MPI: the thread beside it sees to that.
    private static void GoesOn(MpiGroup group)
    {
        var numbers = ones(3_000_000);
        var pending = group.BeginAllReduceSum(numbers);
        var clock = Stopwatch.StartNew();
        while (numbers[2_999_999].item<float>() != group.WorldSize && clock.Elapsed < TimeSpan.FromSeconds(20))
            Thread.Sleep(5);
        Ensure(clock.Elapsed < TimeSpan.FromSeconds(20), "nobody went on with the sum");
        pending.Wait();
        Equal(full(3_000_000, (float)group.WorldSize, ScalarType.Float32), numbers);
    }

    // The processes begin a sum at different moments between other calls.
    private static void BeginsBesideOthers(MpiGroup group)
    {
        var begun = full(1000, group.Rank + 1f, ScalarType.Float32);
        PendingOperation? pending = null;
        for (var i = 0; i < 4; i++)
        {
            if (i == group.Rank)
                pending = group.BeginAllReduceSum(begun);
            Sums(group, ScalarType.Float32);
        }
        pending!.Wait();
        Equal(full(1000, (float)Enumerable.Range(1, group.WorldSize).Sum(), ScalarType.Float32), begun);
    }

    // In a ring, large messages and small ones, in order; every process sends first.
    private static void SendsToTheNext(MpiGroup group)
    {
        var (next, previous) = ((group.Rank + 1) % group.WorldSize, (group.Rank + group.WorldSize - 1) % group.WorldSize);
        Tensor Message(int rank, int i) => arange(0, i % 2 == 0 ? 400_000 : 5, ScalarType.Float32) + 100 * rank + i;
        var pending = Enumerable.Range(0, 6).Select(i => group.BeginSend(Message(group.Rank, i), next)).ToArray();
        for (var i = 0; i < pending.Length; i++)
        {
            var received = zeros_like(Message(previous, i));
            group.Receive(received, previous);
            Equal(Message(previous, i), received);
        }
        foreach (var operation in pending)
            operation.Wait();
    }

    private static void SendsEveryType(MpiGroup group)
    {
        foreach (var type in (ScalarType[])[ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Bool])
        {
            var sent = (arange(0, 6, ScalarType.Float32).view(2, 3) + group.Rank).to(type).t();
            var received = zeros_like(sent); // with strides, too
            if (group.Rank == 0)
            {
                var pending = group.BeginSend(sent, 1);
                group.Receive(received, 1);
                pending.Wait();
                Equal((arange(0, 6, ScalarType.Float32).view(2, 3) + 1).to(type).t(), received);
            }
            else if (group.Rank == 1)
            {
                group.Receive(received, 0);
                group.BeginSend(sent, 0).Wait();
                Equal(arange(0, 6, ScalarType.Float32).view(2, 3).to(type).t(), received);
            }
        }
    }

    private static void SendsInPieces(MpiGroup group)
    {
        var before = group.Piece;
        group.Piece = 5;
        SendsEveryType(group);
        BeginsSums(group);
        group.Piece = before;
    }

    private static void RefusesNobody(MpiGroup group)
    {
        foreach (var rank in (int[])[-1, group.Rank, group.WorldSize])
        {
            try
            {
                group.BeginSend(zeros(1), rank);
            }
            catch (ArgumentException)
            {
                continue;
            }
            throw new InvalidOperationException($"something was sent to {rank}");
        }
    }

    private static void SumWithoutGradient(MpiGroup group)
    {
        var x = ones(3, requires_grad: true);
        using (no_grad())
            Ensure(!group.Sum(x).requires_grad, "a graph was recorded");
        var plain = ones(3);
        Equal(full(3, (float)group.WorldSize, ScalarType.Float32), group.Sum(plain));
        Equal(ones(3), plain);
    }

    private static void Broadcasts(MpiGroup group)
    {
        foreach (
            var type in (ScalarType[])
                [
                    ScalarType.Float32,
                    ScalarType.Float64,
                    ScalarType.Float16,
                    ScalarType.BFloat16,
                    ScalarType.Int64,
                    ScalarType.Int32,
                    ScalarType.Byte,
                    ScalarType.Bool,
                ]
        )
        {
            var sent = (arange(0, 8, ScalarType.Float32) * (group.Rank == 0 ? 1 : 0)).to(type);
            group.Broadcast(sent);
            Equal(arange(0, 8, ScalarType.Float32).to(type), sent);
        }
        var view = (arange(6, ScalarType.Float32).view(2, 3) + 10 * group.Rank).t();
        group.Broadcast(view);
        Equal(arange(6, ScalarType.Float32).view(2, 3).t(), view);
    }

    private static void Gathers(MpiGroup group)
    {
        for (var length = 0; length < 3; length++)
        {
            // Rank r gives (r + 1) · length · 7 bytes, the last rank none.
            byte[] Of(int rank) =>
                rank == group.WorldSize - 1 ? [] : [.. Enumerable.Range(0, (rank + 1) * length * 7).Select(i => (byte)(i + rank))];
            var all = group.AllGather(Of(group.Rank));
            Ensure(all.Count == group.WorldSize, "another number of parts");
            for (var rank = 0; rank < all.Count; rank++)
                Ensure(all[rank].AsSpan().SequenceEqual(Of(rank)), $"other bytes of rank {rank}");
        }
    }

    private static void Waits(MpiGroup group)
    {
        var begin = Stopwatch.GetTimestamp();
        if (group.Rank == 0)
            Thread.Sleep(300);
        group.Barrier();
        Ensure(Stopwatch.GetElapsedTime(begin).TotalMilliseconds >= (group.Rank == 0 ? 300 : 100), "nobody waited");
    }

    // The runtime turns the signal of a null reference into an exception; MPI libraries may take signals for themselves.
    private static void CatchesNullReferences(MpiGroup group)
    {
        string? nothing = group.Rank >= 0 ? null : "";
        try
        {
            Ensure(nothing!.Length < 0, "it has a length");
        }
        catch (NullReferenceException)
        {
            return;
        }
        throw new InvalidOperationException("a null reference went by");
    }

    private static void LeavesNoTensor(MpiGroup group)
    {
        long? after = null;
        for (var step = 0; step < 5; step++)
        {
            using (NewDisposeScope())
            {
                var x = ones(8, requires_grad: true);
                group.Sum(x * 2).square().sum().backward();
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
            if (step == 1)
                after = Tensor.TotalCount;
        }
        Ensure(Tensor.TotalCount <= after, $"{after} tensors, then {Tensor.TotalCount}");
    }

    private static void JoinsOnce(MpiGroup group)
    {
        try
        {
            MpiGroup.Join(Launch.Find()).Fail();
        }
        catch (CollectivesException)
        {
            return;
        }
        throw new InvalidOperationException($"rank {group.Rank} has joined twice");
    }

    private static void Equal(Tensor expected, Tensor actual)
    {
        Ensure(expected.dtype == actual.dtype, $"{actual.dtype} instead of {expected.dtype}");
        Ensure(
            expected.shape.AsSpan().SequenceEqual(actual.shape) && expected.equal(actual).all().item<bool>(),
            $"[{string.Join(", ", actual.to(ScalarType.Float64).Values<double>().Take(12))}] instead of "
                + $"[{string.Join(", ", expected.to(ScalarType.Float64).Values<double>().Take(12))}]"
        );
    }

    private static void Ensure(bool condition, string otherwise)
    {
        if (!condition)
            throw new InvalidOperationException(otherwise);
    }
}
