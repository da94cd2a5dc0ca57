//! What workers share: data, queues and metrics.

use super::{Answer, Call, Caller, Linker, Result, State, exports, settle};
use crate::queues::Consumer;
use crate::status::Status;

pub(super) fn provide(linker: &mut Linker<State>) -> Result<()> {
    exports! { linker:
        proxy_get_shared_data(key_at: u32, key_len: u32, value_at: u32, len_at: u32, version_at: u32);
        proxy_set_shared_data(key_at: u32, key_len: u32, value_at: u32, value_len: u32, version: u32);
        proxy_register_shared_queue(name_at: u32, name_len: u32, token_at: u32);
        proxy_resolve_shared_queue(vm_at: u32, vm_len: u32, name_at: u32, name_len: u32, token_at: u32);
        proxy_enqueue_shared_queue(token: u32, value_at: u32, value_len: u32);
        proxy_dequeue_shared_queue(token: u32, value_at: u32, len_at: u32);
        proxy_define_metric(kind: u32, name_at: u32, name_len: u32, id_at: u32);
        proxy_increment_metric(id: u32, offset: i64);
        proxy_record_metric(id: u32, value: u64);
        proxy_get_metric(id: u32, value_at: u32);
    }
    Ok(())
}

fn proxy_get_shared_data(
    call: &mut Call<'_>,
    key_at: u32,
    key_len: u32,
    value_at: u32,
    len_at: u32,
    version_at: u32,
) -> Answer {
    let key = call.bytes(key_at, key_len)?;
    let state = call.state();
    let cell = state.shared.data.borrow().read(&state.vm_id, &key);
    let (value, version) = cell.ok_or(Status::NotFound)?;
    call.give(&value, value_at, len_at)?;
    call.put_u32(version_at, version)
}

fn proxy_set_shared_data(
    call: &mut Call<'_>,
    key_at: u32,
    key_len: u32,
    value_at: u32,
    value_len: u32,
    version: u32,
) -> Answer {
    let key = call.bytes(key_at, key_len)?;
    let value = call.bytes(value_at, value_len)?;
    let state = call.state();
    let mut data = state.shared.data.borrow_mut();
    Ok(data.write(&state.vm_id, &key, &value, version)?)
}

fn proxy_register_shared_queue(
    call: &mut Call<'_>,
    name_at: u32,
    name_len: u32,
    token_at: u32,
) -> Answer {
    let name = call.bytes(name_at, name_len)?;
    let state = call.state();
    let consumer = Consumer {
        vm: state.index,
        root: state.root_id(),
    };
    let mut queues = state.shared.queues.borrow_mut();
    let token = queues.register(&state.vm_id, &name, consumer);
    drop(queues);
    call.put_u32(token_at, token)
}

fn proxy_resolve_shared_queue(
    call: &mut Call<'_>,
    vm_at: u32,
    vm_len: u32,
    name_at: u32,
    name_len: u32,
    token_at: u32,
) -> Answer {
    let given = call.text(vm_at, vm_len)?;
    let name = call.bytes(name_at, name_len)?;
    let state = call.state();
    let vm_id = if given.is_empty() {
        &state.vm_id
    } else {
        &given
    };
    let token = state.shared.queues.borrow().resolve(vm_id, &name)?;
    call.put_u32(token_at, token)
}

fn proxy_enqueue_shared_queue(
    call: &mut Call<'_>,
    token: u32,
    value_at: u32,
    value_len: u32,
) -> Answer {
    let value = call.bytes(value_at, value_len)?;
    let mut queues = call.state().shared.queues.borrow_mut();
    Ok(queues.enqueue(token, value)?)
}

fn proxy_dequeue_shared_queue(
    call: &mut Call<'_>,
    token: u32,
    value_at: u32,
    len_at: u32,
) -> Answer {
    let value = call.state().shared.queues.borrow_mut().dequeue(token)?;
    call.give(&value, value_at, len_at)
}

fn proxy_define_metric(
    call: &mut Call<'_>,
    kind: u32,
    name_at: u32,
    name_len: u32,
    id_at: u32,
) -> Answer {
    let name = call.text(name_at, name_len)?;
    let State {
        shared, metric_ids, ..
    } = call.state();
    let id = metric_ids.define(&mut shared.metrics.borrow_mut(), kind, name)?;
    call.put_u32(id_at, id)
}

fn proxy_increment_metric(call: &mut Call<'_>, id: u32, offset: i64) -> Answer {
    let state = call.state();
    let mut metrics = state.shared.metrics.borrow_mut();
    Ok(state.metric_ids.increment(&mut metrics, id, offset)?)
}

fn proxy_record_metric(call: &mut Call<'_>, id: u32, value: u64) -> Answer {
    let state = call.state();
    let mut metrics = state.shared.metrics.borrow_mut();
    Ok(state.metric_ids.record(&mut metrics, id, value)?)
}

fn proxy_get_metric(call: &mut Call<'_>, id: u32, value_at: u32) -> Answer {
    let state = call.state();
    let value = state
        .metric_ids
        .read(&mut state.shared.metrics.borrow_mut(), id)?;
    call.put_u64(value_at, value)
}
