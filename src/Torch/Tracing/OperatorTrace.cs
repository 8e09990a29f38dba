using Tessera.Torch.Loading;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>
/// Every operator that ran on a thread while an action did: names, schemas, shapes, types, strides, memory and scalar arguments, but no
/// values.
/// Why it exists: TorchSharp 0.107 has nothing to watch operators with. libtorch's execution trace is reached by its exported functions.
/// </summary>
/// <remarks>
/// One trace at a time is recorded in a process; another thread's call waits. While one is recorded, libtorch writes down what other
/// threads
/// compute, too, which slows them; these operators are left out here. No other thread may begin the backward pass of a forward pass
/// that ran on a third one meanwhile: libtorch 2.10 looks up the third thread's operators without asking whether there are any.
/// </remarks>
public sealed class OperatorTrace
{
    private static readonly Lock s_lock = new();
    private static readonly Lazy<TraceFunctions?> s_functions = new(() => TraceFunctions.Find(Exports.Find));
    private static readonly Lazy<WatchFunctions?> s_watch = new(() =>
        WatchFunctions.Find(Exports.Find) is { } found && ValueWatch.Works(found) ? found : null
    );
    private static TraceObserver? s_observer;

    [ThreadStatic]
    private static bool t_recordsValues;

    private OperatorTrace(IReadOnlyList<TracedOperator> operators) => Operators = operators;

    /// <summary>Whether this libtorch can record.</summary>
    public static bool IsAvailable => s_functions.Value is not null;

    /// <summary>Whether <see cref="RecordWithValues"/> works with this libtorch, on this processor.</summary>
    public static bool SeesValues => IsAvailable && s_watch.Value is not null;

    /// <summary>Whether <see cref="RecordWithValues"/> runs on this thread. What is then computed stands for other numbers of images, too:
    /// a model must not choose another way only because there are many.</summary>
    public static bool RecordsValues => t_recordsValues;

    /// <summary>All operators in the order in which they began, those called by other operators and marks included.</summary>
    public IReadOnlyList<TracedOperator> Operators { get; }

    /// <summary>What the program called, in order, without marks.</summary>
    public IEnumerable<TracedOperator> Outermost => Operators.Where(node => node.Parent is null && node.Mark is null);

    /// <summary>Runs an action and gives the operators that ran on this thread. Results, gradients and random numbers are as without a
    /// trace.</summary>
    /// <param name="action">Must not record itself. What it throws passes through.</param>
    /// <exception cref="NotSupportedException">This libtorch can't record.</exception>
    /// <exception cref="InvalidOperationException">A trace is being recorded on this thread.</exception>
    /// <exception cref="IOException">The folder for temporary files can't be written, or its disk is full.</exception>
    public static OperatorTrace Record(Action action)
    {
        var functions =
            s_functions.Value
            ?? throw new NotSupportedException("This libtorch does not export its execution trace, so operators can't be watched.");
        if (s_lock.IsHeldByCurrentThread)
            throw new InvalidOperationException("A trace is being recorded on this thread; there can't be another one within it.");
        lock (s_lock)
        {
            s_observer ??= TraceObserver.Start(functions, Path.GetTempPath());
            return new OperatorTrace(s_observer.Record(action));
        }
    }

    /// <summary>The same, and what a trace doesn't tell: floating-point arguments in full, where the tensors that the program's own
    /// operators are given come from, and the values of those that don't depend on its inputs
    /// (<see cref="TracedTensor.Origin"/>).</summary>
    /// <param name="inputs">What the action computes from.</param>
    /// <param name="known">Tensors that are told by their place here: a model's parameters and buffers.</param>
    /// <exception cref="NotSupportedException">This libtorch can't record, or does not show values.</exception>
    /// <exception cref="InvalidOperationException">A trace is being recorded on this thread, or is not as expected.</exception>
    /// <exception cref="IOException">The folder for temporary files can't be written, or its disk is full.</exception>
    public static OperatorTrace RecordWithValues(Action action, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> known)
    {
        var functions =
            s_watch.Value
            ?? throw new NotSupportedException("This libtorch does not show the values that its operators are given, on this processor.");
        ValueWatch? watch = null;
        var trace = Record(() =>
        {
            using (watch = new ValueWatch(functions, inputs, known))
                try
                {
                    t_recordsValues = true;
                    action();
                }
                finally
                {
                    t_recordsValues = false;
                }
        });
        watch!.RequireNoError();
        return new OperatorTrace(SeenValues.Join(trace.Operators, watch.Operators));
    }

    /// <summary>Leaves a number in the trace that this thread records, between the operators before and after; nothing otherwise.</summary>
    /// <param name="number">At least 0.</param>
    public static void Mark(int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        if (s_lock.IsHeldByCurrentThread)
            TraceMark.Put(TraceMark.Kind.Program, number);
    }
}
